#include "pixel_rows.h"

#include <utility>

namespace hvit_edge {

PixelRows::PixelRows(const ImageView& image)
    : origin_(image.data),
      step_x_(bytes_per_pixel(image.format)),
      step_y_(static_cast<std::ptrdiff_t>(image.row_stride_bytes)),
      width_(image.width),
      height_(image.height),
      red_(image.format == PixelFormat::bgra8888 ? 2 : 0),
      green_(image.format == PixelFormat::gray8 ? 0 : 1),
      blue_(image.format == PixelFormat::gray8 ? 0 : 2 - red_) {
  if (step_y_ == 0) step_y_ = step_x_ * width_;
  const std::ptrdiff_t last_x = step_x_ * (width_ - 1);
  const std::ptrdiff_t last_y = step_y_ * (height_ - 1);
  if (image.rotation == Rotation::by_180) {
    origin_ += last_x + last_y;
    step_x_ = -step_x_;
    step_y_ = -step_y_;
  } else if (image.rotation != Rotation::none) {
    const bool right = image.rotation == Rotation::by_90;
    origin_ += right ? last_y : last_x;
    const std::ptrdiff_t along = right ? -step_y_ : step_y_;
    step_y_ = right ? step_x_ : -step_x_;
    step_x_ = along;
    std::swap(width_, height_);
  }
}

const std::uint8_t* PixelRows::row(int y, int first, int last, std::uint8_t* scratch) const {
  const std::uint8_t* pixel = origin_ + y * step_y_ + first * step_x_;
  if (are_rgb()) return pixel;
  std::uint8_t* output = scratch;
  for (int x = first; x < last; ++x, pixel += step_x_) {
    *output++ = pixel[red_];
    *output++ = pixel[green_];
    *output++ = pixel[blue_];
  }
  return scratch;
}

}  // namespace hvit_edge
