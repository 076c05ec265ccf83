#include "image/pixel_kernels.h"

namespace hvit_edge {

const std::vector<const PixelKernels*>& pixel_kernels() {
  static const std::vector<const PixelKernels*> all = [] {
    std::vector<const PixelKernels*> runnable;
    for (const PixelKernels* kernels :
         {avx2_kernels(), sse41_kernels(), neon_kernels(), &scalar_kernels()}) {
      if (kernels != nullptr && kernels->runs_here()) runnable.push_back(kernels);
    }
    return runnable;
  }();
  return all;
}

const PixelKernels* find_kernels(const std::string& name) {
  for (const PixelKernels* kernels : pixel_kernels()) {
    if (name == kernels->name) return kernels;
  }
  return nullptr;
}

}  // namespace hvit_edge
