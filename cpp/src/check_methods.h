// What a program's methods say of themselves, checked before ExecuTorch acts on it: where a number
// of theirs is impossible, its runtime ends the process.
#pragma once

#include <executorch/runtime/executor/method_meta.h>

#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// The model: inputs and outputs that exist, tensors and planned memory of possible sizes.
Status check_model(const executorch::runtime::MethodMeta& method);

/// Metadata: constants that come out of a method which takes, runs and plans nothing.
Status check_constant(const std::string& name, const executorch::runtime::MethodMeta& method);

}  // namespace hvit_edge
