// Describes the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hvit_edge {

struct Machine {
  std::string architecture;  ///< as `uname -m` reports it: "aarch64", "x86_64"
  std::string system;        ///< "Linux", "Darwin"
  std::string cpu;           ///< the model's name; empty if the system does not tell
  /// as /proc/cpuinfo names them; only those that inference uses
  std::vector<std::string> features;
  int cores = 0;  ///< all cores that are online
  std::uint64_t memory_bytes = 0;
};

Machine this_machine();

}  // namespace hvit_edge
