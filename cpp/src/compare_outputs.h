// How far an output is from the golden one.
#pragma once

#include "hvit_edge/session.h"

namespace hvit_edge {

/// Compares two tensors of one shape and dtype.
///
/// Floats pass up to `tolerance` times the largest absolute golden value. Of integers and booleans
/// a share of the elements up to `tolerance` may differ, and `max_rel` is that share.
SelfTest compare_outputs(const TensorView& golden, const TensorView& actual, double tolerance);

}  // namespace hvit_edge
