// Zeros in memory, for what a layer reads and its plan has not.
#pragma once

#include "half.h"
#include "plan_limits.h"

namespace hvit_edge::native {

// Nothing writes to them. They are not const, because constants take room in the file of a program.
extern float zeros_float32[kMostChannels];
extern Half zeros_float16[kMostChannels];

/// Returns a pixel of zeros.
template <class Number>
const Number* zeros_of();
template <>
inline const float* zeros_of<float>() {
  return zeros_float32;
}
template <>
inline const Half* zeros_of<Half>() {
  return zeros_float16;
}

}  // namespace hvit_edge::native
