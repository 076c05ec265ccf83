// What this build of the runtime can run.
#pragma once

#include <string>
#include <vector>

namespace hvit_edge {

/// True when ExecuTorch has the backend, for example "XnnpackBackend".
bool backend_available(const std::string& name);

/// Names of all registered backends.
std::vector<std::string> registered_backends();

/// Instruction sets that matter for speed and that this CPU has: "avx2", "avx512f", "fp16", ...
std::vector<std::string> cpu_features();

/// "0.1.0"
const char* version();

}  // namespace hvit_edge
