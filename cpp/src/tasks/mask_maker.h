// Upsamples the logits of a segmentation to a frame, and takes the largest class of each pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/mask.h"
#include "tasks/axis_samples.h"
#include "tasks/mask_kernels.h"

namespace hvit_edge {

/// Logits [classes, height, width] of an input.
struct LogitMap {
  const float* values = nullptr;
  int classes = 0;
  int height = 0;
  int width = 0;
};

/// Works row by row: its memory does not grow with the frame's area. It allocates only if the frame
/// or the logits are larger than those before.
class MaskMaker {
 public:
  /// `kernels` outlive the object.
  explicit MaskMaker(const MaskKernels& kernels = *mask_kernels().front()) : kernels_(kernels) {}

  /// Fills the mask of a frame. Pixels outside of the input have the class 0 and the confidence 0.
  /// There are at most 256 classes, with finite logits.
  void run(const LogitMap& logits, const Placement& placement, bool confidence, Mask& mask);

 private:
  void gather(const LogitMap& logits, bool swapped, int index, std::vector<float>& row) const;
  void blend(float weight);
  void fill_row(std::uint8_t* classes);
  void fill_confidence(const std::uint8_t* classes, float* confidence);
  void fill_short(const CellRun& run, std::uint8_t* classes) const;
  Contenders contend(const CellRun& run, float margin);

  const MaskKernels& kernels_;
  AxisSamples columns_;
  AxisSamples rows_;
  int classes_ = 0;
  // Of a row of cells: all classes of the first cell, then those of the next ones.
  std::vector<float> upper_;
  std::vector<float> lower_;
  std::vector<float> blended_;
  std::vector<float> values_;  // these three: of the contenders
  std::vector<float> steps_;
  std::vector<std::uint8_t> indices_;
};

}  // namespace hvit_edge
