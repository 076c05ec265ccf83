// Reads any ImageView row by row as upright RGB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hvit_edge/image.h"

namespace hvit_edge {

/// A validated image, seen upright. A rotation only changes the origin and the steps, so that no
/// turned copy of the image is ever made.
class PixelRows {
 public:
  explicit PixelRows(const ImageView& image);

  int width() const { return width_; }
  int height() const { return height_; }

  /// The pixels lie in memory as RGB already, rows row_step() bytes apart.
  bool are_rgb() const { return step_x_ == 3 && red_ == 0 && green_ == 1; }
  std::ptrdiff_t row_step() const { return step_y_; }

  /// Columns [first, last) of row `y` as RGB: in place where are_rgb(), else written to `scratch`.
  const std::uint8_t* row(int y, int first, int last, std::uint8_t* scratch) const;

 private:
  const std::uint8_t* origin_;
  std::ptrdiff_t step_x_;
  std::ptrdiff_t step_y_;
  int width_;
  int height_;
  int red_;
  int green_;
  int blue_;
};

}  // namespace hvit_edge
