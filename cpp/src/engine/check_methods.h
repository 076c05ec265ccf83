// Checks what a program's methods declare before anything acts on it: ExecuTorch's runtime ends the
// process if a number is impossible.
#pragma once

#include <string>

#include "engine/method_facts.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Checks the model: inputs and outputs exist, and tensors and planned memory have possible sizes.
Status check_model(const MethodFacts& method);

/// Checks a constant of the metadata: its method has no inputs, runs nothing and plans no memory.
Status check_constant(const std::string& name, const MethodFacts& method);

}  // namespace hvit_edge
