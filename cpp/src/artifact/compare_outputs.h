// Compares an output with the golden one.
#pragma once

#include "hvit_edge/session.h"

namespace hvit_edge {

/// Compares two tensors of one shape and dtype.
///
/// Floats pass if they differ by up to `tolerance` times the largest absolute golden value.
/// Integers and booleans pass if a share of up to `tolerance` of the elements differs; `max_rel` is
/// that share.
SelfTest compare_outputs(const TensorView& golden, const TensorView& actual, double tolerance);

}  // namespace hvit_edge
