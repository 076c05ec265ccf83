// The inner loop of masks, once for each instruction set. All choose the classes of the scalar one.
#pragma once

#include <cstdint>
#include <vector>

namespace hvit_edge {

/// The classes that can be the largest one between two cells: value + weight x step for a weight of
/// 0 to 1. They are in rising order, at least one.
struct Contenders {
  const float* values = nullptr;
  const float* steps = nullptr;
  const std::uint8_t* classes = nullptr;
  int count = 0;

  /// Returns the class of a pixel; of equal ones the first.
  std::uint8_t largest(float weight) const {
    int best = 0;
    float most = values[0] + weight * steps[0];
    for (int i = 1; i < count; ++i) {
      const float value = values[i] + weight * steps[i];
      if (value > most) {
        most = value;
        best = i;
      }
    }
    return classes[best];
  }
};

struct MaskKernels {
  const char* name;
  bool (*runs_here)();
  /// Writes the largest class of each of `pixels` weights.
  void (*largest)(const Contenders& contenders, const float* weights, int pixels,
                  std::uint8_t* output);
};

/// Null if they were compiled for another machine.
const MaskKernels* avx2_mask_kernels();
const MaskKernels* neon_mask_kernels();
const MaskKernels* wasm_mask_kernels();
const MaskKernels& scalar_mask_kernels();

/// Returns the kernels that this machine runs, the fastest first and the scalar ones last.
const std::vector<const MaskKernels*>& mask_kernels();

}  // namespace hvit_edge
