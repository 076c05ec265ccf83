// Says for each pixel along an axis of a frame between which cells of the logits it is.
#pragma once

#include <vector>

#include "image/placement.h"

namespace hvit_edge {

/// Pixels [begin, end) of an axis that are between the same two cells.
struct CellRun {
  int first = 0;
  int second = 0;  ///< the next cell, or the same one if there is no other
  int begin = 0;
  int end = 0;
};

/// The bilinear samples of an axis, with half-pixel centers (align_corners=False of PyTorch).
/// Before the center of the first cell, and after that of the last one, they are these cells
/// themselves.
class AxisSamples {
 public:
  /// Does nothing if it is already prepared for the same axis.
  void prepare(const AxisPlace& place, int cells);

  /// In the order of the pixels. Pixels that the preprocessing crops away are in no run.
  const std::vector<CellRun>& runs() const { return runs_; }
  /// Pixels [begin(), end()) are in runs.
  int begin() const { return runs_.empty() ? 0 : runs_.front().begin; }
  int end() const { return runs_.empty() ? 0 : runs_.back().end; }
  /// Returns the weight of the second cell for each pixel of the axis.
  const float* weights() const { return weights_.data(); }

 private:
  AxisPlace place_;
  int cells_ = 0;
  std::vector<CellRun> runs_;
  std::vector<float> weights_;
};

}  // namespace hvit_edge
