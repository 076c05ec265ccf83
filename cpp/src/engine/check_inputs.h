// Checks inputs against the program's specification before ExecuTorch sees them.
#pragma once

#include <cstddef>
#include <vector>

#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// Index of the first NaN or infinity; `count` if there is none.
std::size_t first_not_finite(const float* values, std::size_t count);

/// Returns `given` in the order of the names in `expected`. Refuses missing, unknown and repeated
/// names.
Result<std::vector<TensorView>> order_inputs(const std::vector<TensorSpec>& expected,
                                             const std::vector<NamedTensor>& given);

/// Refuses a wrong number of inputs. Otherwise lists every wrong dtype, shape, null pointer, NaN
/// and infinity at once.
Status check_inputs(const std::vector<TensorSpec>& expected, const std::vector<TensorView>& got);

}  // namespace hvit_edge
