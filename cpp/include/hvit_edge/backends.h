// The backends that this build of the runtime can run.
#pragma once

#include <string>
#include <vector>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Returns true if ExecuTorch has the backend, for example "XnnpackBackend".
bool backend_available(const std::string& name);

/// Returns the names of all registered backends.
std::vector<std::string> registered_backends();

/// Returns the instruction sets of this CPU that matter for speed: "avx2", "avx512f", "fp16", ...
std::vector<std::string> cpu_features();

/// Returns the instruction set that native programs run with: the fastest one that this CPU and the
/// kernels have, or the one that the environment variable HVIT_EDGE_ISA names. It is "portable",
/// "avx2", "avxvnni" or "avx512"; on 64-bit Arm "neon", "dotprod" or "i8mm". Refuses any other
/// name, and one that the CPU lacks.
Result<std::string> instruction_set();

/// Returns the version of the library, such as "0.1.0".
const char* version();

}  // namespace hvit_edge
