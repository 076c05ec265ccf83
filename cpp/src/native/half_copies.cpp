#include "half_copies.h"

namespace hvit_edge::native {

void copy_as_half(const float* from, Half* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = Half(from[i]);
}

void copy_as_float(const Half* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace hvit_edge::native
