// Checks what a program's methods declare before ExecuTorch acts on it: its runtime ends the
// process if a number is impossible.
#pragma once

#include <executorch/runtime/executor/method_meta.h>

#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Checks the model: inputs and outputs exist, and tensors and planned memory have possible sizes.
Status check_model(const executorch::runtime::MethodMeta& method);

/// Checks a constant of the metadata: its method has no inputs, runs nothing and plans no memory.
Status check_constant(const std::string& name, const executorch::runtime::MethodMeta& method);

}  // namespace hvit_edge
