// Copies between float32 and float16.
#pragma once

#include <cstdint>

#include "half.h"

namespace hvit_edge::native {

void copy_as_half(const float* from, Half* to, std::int64_t count);
void copy_as_float(const Half* from, float* to, std::int64_t count);

}  // namespace hvit_edge::native
