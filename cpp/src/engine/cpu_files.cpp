#include "engine/cpu_files.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "input_file.h"

namespace hvit_edge {
namespace {

int read_number(const std::string& path, int otherwise) {
  const InputFile file = open_input(path);
  int value = 0;
  return file != nullptr && std::fscanf(file.get(), "%d", &value) == 1 ? value : otherwise;
}

// Returns the cores whose number is at least `share` of the largest.
std::vector<int> largest_ones(const std::vector<int>& cpus, const std::vector<int>& numbers,
                              double share) {
  const int best = *std::max_element(numbers.begin(), numbers.end());
  std::vector<int> fast;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    if (numbers[i] >= share * best) fast.push_back(cpus[i]);
  }
  return fast;
}

}  // namespace

std::string CpuFiles::cpu_path(int cpu, const char* name) const {
  return root_ + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + name;
}

// The first core of many systems cannot be taken offline, and then has no such file.
std::vector<int> CpuFiles::online_ones(const std::vector<int>& cpus) const {
  std::vector<int> online;
  for (const int cpu : cpus) {
    if (read_number(cpu_path(cpu, "online"), 1) != 0) online.push_back(cpu);
  }
  return online;
}

std::vector<int> CpuFiles::numbers_of(const std::vector<int>& cpus, const char* name) const {
  std::vector<int> numbers;
  for (const int cpu : cpus) {
    const int number = read_number(cpu_path(cpu, name), 0);
    if (number <= 0) return {};
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<int> CpuFiles::fast_ones(const std::vector<int>& cpus) const {
  const std::vector<int> online = online_ones(cpus);
  if (online.empty()) return online;
  // Kernels for Arm report a capacity, 1024 for the fastest kind, which includes the work in a
  // cycle.
  const std::vector<int> capacities = numbers_of(online, "cpu_capacity");
  if (!capacities.empty()) return largest_ones(online, capacities, 0.5);
  const std::vector<int> frequencies = numbers_of(online, "cpufreq/cpuinfo_max_freq");
  if (!frequencies.empty()) return largest_ones(online, frequencies, 0.8);
  return online;
}

int CpuFiles::physical_cores(const std::vector<int>& cpus) const {
  std::set<std::pair<int, int>> cores;
  for (const int cpu : cpus) {
    cores.emplace(read_number(cpu_path(cpu, "topology/physical_package_id"), 0),
                  read_number(cpu_path(cpu, "topology/core_id"), cpu));
  }
  return static_cast<int>(cores.size());
}

int CpuFiles::time_limit() const {
  constexpr int unlimited = 1 << 20;
  double quota = 0;
  double period = 0;
  const InputFile unified = open_input(root_ + "/sys/fs/cgroup/cpu.max");
  if (unified == nullptr || std::fscanf(unified.get(), "%lf %lf", &quota, &period) != 2) {
    quota = read_number(root_ + "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", -1);
    period = read_number(root_ + "/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0);
  }
  if (quota <= 0 || period <= 0) return unlimited;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

}  // namespace hvit_edge
