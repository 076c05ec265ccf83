// The loop of masks for 64-bit Arm, all of which have NEON.
#include "tasks/mask_kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace hvit_edge {
namespace {

// Four pixels: the largest value so far, and its class.
struct Lanes {
  float32x4_t most;
  uint32x4_t best;

  void offer(float32x4_t value, std::uint32_t index) {
    const uint32x4_t larger = vcgtq_f32(value, most);
    most = vbslq_f32(larger, value, most);
    best = vbslq_u32(larger, vdupq_n_u32(index), best);
  }
};

float32x4_t value_of(const Contenders& contenders, int i, float32x4_t weight) {
  return vfmaq_n_f32(vdupq_n_f32(contenders.values[i]), weight, contenders.steps[i]);
}

void largest(const Contenders& contenders, const float* weights, int pixels, std::uint8_t* output) {
  int x = 0;
  for (; x + 8 <= pixels; x += 8) {
    const float32x4_t low = vld1q_f32(weights + x);
    const float32x4_t high = vld1q_f32(weights + x + 4);
    const uint32x4_t first = vdupq_n_u32(contenders.classes[0]);
    Lanes left = {value_of(contenders, 0, low), first};
    Lanes right = {value_of(contenders, 0, high), first};
    for (int i = 1; i < contenders.count; ++i) {
      left.offer(value_of(contenders, i, low), contenders.classes[i]);
      right.offer(value_of(contenders, i, high), contenders.classes[i]);
    }
    const uint16x8_t words = vcombine_u16(vmovn_u32(left.best), vmovn_u32(right.best));
    vst1_u8(output + x, vmovn_u16(words));
  }
  for (; x < pixels; ++x) output[x] = contenders.largest(weights[x]);
}

bool runs_here() { return true; }

}  // namespace

const MaskKernels* neon_mask_kernels() {
  static constexpr MaskKernels kKernels = {"neon", &runs_here, &largest};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::MaskKernels* hvit_edge::neon_mask_kernels() { return nullptr; }

#endif
