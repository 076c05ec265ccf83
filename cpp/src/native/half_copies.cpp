#include "half_copies.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace hvit_edge::native {

void copy_as_half(const float* from, Half* to, std::int64_t count) {
  std::int64_t i = 0;
#if defined(__aarch64__)
  for (; i + 8 <= count; i += 8) {
    vst1q_f16(to + i,
              vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(from + i)), vld1q_f32(from + i + 4)));
  }
#endif
  for (; i < count; ++i) to[i] = Half(from[i]);
}

void copy_as_float(const Half* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace hvit_edge::native
