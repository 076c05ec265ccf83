#include "image/pixel_rows.h"

#include <algorithm>

#include "image/frame_layout.h"

namespace hvit_edge {

PixelRows::PixelRows(const ImageView& image, const PixelKernels& kernels)
    : image_(image),
      kernels_(kernels),
      weights_(yuv_weights(image.matrix, image.range)),
      row_step_(row_step(image)) {
  const int planes = chroma_planes(image.format);
  if (planes == 0) return;
  const std::uint8_t* first = image.chroma[0].data;
  u_row_step_ = v_row_step_ = chroma_row_step(image, 0);
  chroma_.step = chroma_step(image, 0);
  if (planes == 2) {
    v_row_step_ = chroma_row_step(image, 1);
    chroma_.u = first;
    chroma_.v = image.chroma[1].data;
  } else {
    const bool u_first = image.format == PixelFormat::nv12;
    chroma_.u = u_first ? first : first + 1;
    chroma_.v = u_first ? first + 1 : first;
  }
}

const std::uint8_t* PixelRows::rgb(int y, int first) const {
  return image_.data + y * row_step_ + 3 * static_cast<std::ptrdiff_t>(first);
}

void PixelRows::separate(int y, int first, int last, const ColorRows& output) const {
  if (chroma_.u != nullptr) return convert_yuv(y, first, last, output);
  const int bytes = bytes_per_pixel(image_.format);
  const std::uint8_t* pixels =
      image_.data + y * row_step_ + static_cast<std::ptrdiff_t>(first) * bytes;
  if (bytes == 1) {
    for (int color = 0; color < 3; ++color) {
      std::copy_n(pixels, last - first, output.row(color));
    }
    return;
  }
  const int red = image_.format == PixelFormat::bgra8888 ? 2 : 0;
  kernels_.separate(pixels, last - first, {bytes, red}, output);
}

void PixelRows::convert_yuv(int y, int first, int last, const ColorRows& output) const {
  const std::uint8_t* luma = image_.data + y * row_step_;
  const ChromaRow row{chroma_.u + y / 2 * u_row_step_, chroma_.v + y / 2 * v_row_step_,
                      chroma_.step};
  const auto convert = [&](int from, int to) {
    kernels_.convert_yuv(luma + from, row.from(from), to - from, weights_,
                         output.from(from - first));
  };
  // The kernels must begin where a chroma sample begins.
  const int even = first + first % 2;
  if (first < even) convert(first, even);
  if (even < last) convert(even, last);
}

}  // namespace hvit_edge
