// Reads any ImageView row by row as red, green and blue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hvit_edge/image.h"
#include "image/pixel_kernels.h"

namespace hvit_edge {

/// Gives rows and columns of a validated image as they are stored, without rotation.
class PixelRows {
 public:
  PixelRows(const ImageView& image, const PixelKernels& kernels);

  int width() const { return image_.width; }
  int height() const { return image_.height; }

  /// The pixels are stored as RGB: rgb() gives row `y` from column `first` on.
  bool are_rgb() const { return image_.format == PixelFormat::rgb888; }
  const std::uint8_t* rgb(int y, int first) const;

  /// Separates the colors of columns [first, last) of row `y`.
  void separate(int y, int first, int last, const ColorRows& output) const;

 private:
  void convert_yuv(int y, int first, int last, const ColorRows& output) const;

  ImageView image_;
  const PixelKernels& kernels_;
  const YuvWeights& weights_;
  std::ptrdiff_t row_step_;
  ChromaRow chroma_;  // of the first row
  std::ptrdiff_t u_row_step_ = 0;
  std::ptrdiff_t v_row_step_ = 0;
};

}  // namespace hvit_edge
