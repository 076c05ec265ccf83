#include "tasks/mask_kernels.h"

namespace hvit_edge {
namespace {

bool runs_here() { return true; }

void largest(const Contenders& contenders, const float* weights, int pixels, std::uint8_t* output) {
  for (int x = 0; x < pixels; ++x) output[x] = contenders.largest(weights[x]);
}

}  // namespace

const MaskKernels& scalar_mask_kernels() {
  static constexpr MaskKernels kKernels = {"scalar", &runs_here, &largest};
  return kKernels;
}

const std::vector<const MaskKernels*>& mask_kernels() {
  static const std::vector<const MaskKernels*> all = [] {
    std::vector<const MaskKernels*> runnable;
    for (const MaskKernels* kernels :
         {avx2_mask_kernels(), neon_mask_kernels(), wasm_mask_kernels(), &scalar_mask_kernels()}) {
      if (kernels != nullptr && kernels->runs_here()) runnable.push_back(kernels);
    }
    return runnable;
  }();
  return all;
}

}  // namespace hvit_edge
