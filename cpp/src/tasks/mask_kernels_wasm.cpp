// The loop of masks for WebAssembly with vectors of 128 bits.
#include "tasks/mask_kernels.h"

#if defined(__wasm_simd128__)

#include <wasm_simd128.h>

namespace hvit_edge {
namespace {

// Four pixels: the largest value so far, and its class.
struct Lanes {
  v128_t most;
  v128_t best;

  void offer(v128_t value, int index) {
    const v128_t larger = wasm_f32x4_gt(value, most);
    most = wasm_v128_bitselect(value, most, larger);
    best = wasm_v128_bitselect(wasm_i32x4_splat(index), best, larger);
  }
};

v128_t value_of(const Contenders& contenders, int i, v128_t weight) {
  return wasm_f32x4_add(wasm_f32x4_splat(contenders.values[i]),
                        wasm_f32x4_mul(weight, wasm_f32x4_splat(contenders.steps[i])));
}

void largest(const Contenders& contenders, const float* weights, int pixels, std::uint8_t* output) {
  int x = 0;
  for (; x + 8 <= pixels; x += 8) {
    const v128_t low = wasm_v128_load(weights + x);
    const v128_t high = wasm_v128_load(weights + x + 4);
    const v128_t first = wasm_i32x4_splat(contenders.classes[0]);
    Lanes left = {value_of(contenders, 0, low), first};
    Lanes right = {value_of(contenders, 0, high), first};
    for (int i = 1; i < contenders.count; ++i) {
      left.offer(value_of(contenders, i, low), contenders.classes[i]);
      right.offer(value_of(contenders, i, high), contenders.classes[i]);
    }
    const v128_t words = wasm_u16x8_narrow_i32x4(left.best, right.best);
    wasm_v128_store64_lane(output + x, wasm_u8x16_narrow_i16x8(words, words), 0);
  }
  for (; x < pixels; ++x) output[x] = contenders.largest(weights[x]);
}

bool runs_here() { return true; }

}  // namespace

const MaskKernels* wasm_mask_kernels() {
  static constexpr MaskKernels kKernels = {"wasm", &runs_here, &largest};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::MaskKernels* hvit_edge::wasm_mask_kernels() { return nullptr; }

#endif
