// Resizes a frame as it is stored: along its rows and down its columns, in either order.
#pragma once

#include <cstdint>
#include <vector>

#include "image/pixel_kernels.h"
#include "image/pixel_rows.h"
#include "image/resample.h"
#include "image/row_window.h"

namespace hvit_edge {

/// Holds no more of the frame than the input rows of one output row. Allocates while frames grow.
class TwoPasses {
 public:
  explicit TwoPasses(const PixelKernels& kernels) : kernels_(kernels) {}

  /// Writes down.crop().count rows of across.crop().count RGB pixels. Each pass rounds to bytes.
  void run(const PixelRows& pixels, const AxisFilter& across, const AxisFilter& down,
           bool across_first, std::uint8_t* output);

 private:
  void across_then_down(const PixelRows& pixels, const AxisFilter& across, const AxisFilter& down,
                        std::uint8_t* output);
  void down_then_across(const PixelRows& pixels, const AxisFilter& across, const AxisFilter& down,
                        std::uint8_t* output);

  const PixelKernels& kernels_;
  int first_ = 0;  // the first column that is needed
  int last_ = 0;
  std::size_t distance_ = 0;
  RowWindow window_;                  // input of the vertical pass
  std::vector<std::uint8_t> row_;     // input of the horizontal pass, a row for each color
  std::vector<std::uint8_t> packed_;  // the same as RGB, if RGB is resized first
  std::vector<const std::uint8_t*> taps_;
};

}  // namespace hvit_edge
