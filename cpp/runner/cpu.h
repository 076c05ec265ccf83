// The CPU's name and features, with one implementation for each architecture.
#pragma once

#include <string>
#include <vector>

namespace hvit_edge {

/// Returns "Cortex-A76", "Intel(R) Xeon(R) ..."; empty if the system does not tell.
std::string cpu_name();

/// Returns the features that inference can use, as /proc/cpuinfo names them: "asimddp", "avx2".
std::vector<std::string> cpu_flags();

}  // namespace hvit_edge
