// Resizes a frame as it is stored: along its rows and down its columns, in either order.
#pragma once

#include <cstdint>
#include <vector>

#include "pixel_kernels.h"
#include "pixel_rows.h"
#include "resample.h"
#include "row_window.h"

namespace hvit_edge {

/// Holds no more of the frame than the rows behind one output row. Allocates while frames grow.
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
  int first_ = 0;  // columns that count
  int last_ = 0;
  std::size_t distance_ = 0;
  RowWindow window_;                  // before the pass down
  std::vector<std::uint8_t> row_;     // before the pass across, a row for each colour
  std::vector<std::uint8_t> packed_;  // the same of RGB, which is first resized as it is
  std::vector<const std::uint8_t*> taps_;
};

}  // namespace hvit_edge
