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

  /// Row `y` as RGB, valid for columns [first, last); `line` is scratch of 3 * width() bytes.
  /// The pointer stands for column 0, whether or not that column was read.
  const std::uint8_t* row(int y, int first, int last, std::uint8_t* line) const;

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
