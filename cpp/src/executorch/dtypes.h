// The dtypes of ExecuTorch and ours.
#pragma once

#include <executorch/runtime/core/exec_aten/exec_aten.h>

#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// Returns DType::other for a type that no tensor of ours has.
DType from_executorch(executorch::aten::ScalarType type);

/// Returns float32 for DType::other.
executorch::aten::ScalarType to_executorch(DType dtype);

}  // namespace hvit_edge
