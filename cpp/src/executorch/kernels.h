// ExecuTorch's kernels, which run the operators outside the delegates.
#pragma once

#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/method_facts.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Returns true if a method may call kernels. Only methods of several delegates may not need them.
bool calls_kernels(const MethodFacts& method);

/// Loads the library of kernels if the runtime was built with HVIT_EDGE_KERNELS=on_demand; later
/// calls do nothing. Fails if the library is not next to ExecuTorch's. With other values of
/// HVIT_EDGE_KERNELS nothing is to be loaded.
Status load_kernels();

/// Is held shared while a method is loaded, which searches the kernels. load_kernels() adds some.
std::shared_mutex& kernels_lock();

/// Returns the value of HVIT_EDGE_KERNELS that this runtime was built with.
const char* kernels_choice();

/// Explains that a runtime with `choice` has no kernels of `operators`. `loaded` says whether the
/// library of kernels is loaded.
Status explain_kernels(const std::vector<std::string>& operators, const std::string& choice,
                       const Status& loaded);

}  // namespace hvit_edge
