// The CPU's name and features, one implementation an architecture.
#pragma once

#include <string>
#include <vector>

namespace hvit_edge {

/// "Cortex-A76", "Intel(R) Xeon(R) ..."; empty where the system does not say it.
std::string cpu_name();

/// Features that inference can use, as /proc/cpuinfo names them: "asimddp", "avx2".
std::vector<std::string> cpu_flags();

}  // namespace hvit_edge
