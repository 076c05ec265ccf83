// What the machine says of itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hvit_edge {

struct Machine {
  std::string architecture;           ///< as `uname -m` says it: "aarch64", "x86_64"
  std::string system;                 ///< "Linux", "Darwin"
  std::string cpu;                    ///< the model's name; empty where the system does not say it
  std::vector<std::string> features;  ///< as /proc/cpuinfo names them; those that inference uses
  int cores = 0;                      ///< all that are online
  std::uint64_t memory_bytes = 0;
};

Machine this_machine();

}  // namespace hvit_edge
