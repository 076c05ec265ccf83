// What Linux says about the cores, in files of /sys and the control groups.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hvit_edge {

class CpuFiles {
 public:
  /// Reads below `root`, which is empty except in tests.
  explicit CpuFiles(std::string root = "") : root_(std::move(root)) {}

  /// Returns those of `cpus` that are online and fast. A core is fast if it has at least half the
  /// capacity of the fastest one; if not every core has a capacity, four fifths of the highest
  /// frequency. If neither is known of every core, all are fast.
  std::vector<int> fast_ones(const std::vector<int>& cpus) const;

  /// Returns the number of physical cores that `cpus` are threads of.
  int physical_cores(const std::vector<int>& cpus) const;

  /// Returns how many processors' time the control group may use, rounded up; a large number means
  /// no limit.
  int time_limit() const;

 private:
  std::string cpu_path(int cpu, const char* name) const;
  std::vector<int> online_ones(const std::vector<int>& cpus) const;
  /// Returns a number of each core, or nothing if one of them has none.
  std::vector<int> numbers_of(const std::vector<int>& cpus, const char* name) const;

  std::string root_;
};

}  // namespace hvit_edge
