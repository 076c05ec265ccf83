// The layout of a frame in memory: the defaults of an ImageView's zeros, and its rotation.
#pragma once

#include <cstddef>

#include "hvit_edge/image.h"

namespace hvit_edge {

/// Returns 0, 1 or 2.
inline int chroma_planes(PixelFormat format) {
  if (format == PixelFormat::i420) return 2;
  return format == PixelFormat::nv12 || format == PixelFormat::nv21 ? 1 : 0;
}

/// Returns the samples along a side of so many pixels.
inline int chroma_side(int pixels) { return (pixels + 1) / 2; }

/// Returns the bytes from a chroma sample to the next.
inline int chroma_step(const ImageView& image, int index) {
  const int given = image.chroma[index].pixel_stride_bytes;
  return given != 0 ? given : (image.format == PixelFormat::i420 ? 1 : 2);
}

/// Returns the bytes from a row of a chroma plane to the next.
inline std::ptrdiff_t chroma_row_step(const ImageView& image, int index) {
  const std::size_t given = image.chroma[index].row_stride_bytes;
  if (given != 0) return static_cast<std::ptrdiff_t>(given);
  return static_cast<std::ptrdiff_t>(chroma_side(image.width)) * chroma_step(image, index);
}

/// Returns the bytes from a row of `data` to the next.
inline std::ptrdiff_t row_step(const ImageView& image) {
  if (image.row_stride_bytes != 0) return static_cast<std::ptrdiff_t>(image.row_stride_bytes);
  return static_cast<std::ptrdiff_t>(image.width) * bytes_per_pixel(image.format);
}

/// The bytes that are read of a plane: `rows` times `row_bytes`, which begin `row_step` bytes
/// apart.
struct PlaneExtent {
  std::size_t rows = 0;
  std::size_t row_bytes = 0;
  std::size_t row_step = 0;
};

/// Returns the extent of `data` if `plane` is 0, else of `chroma[plane - 1]`. validate() has
/// accepted the image.
inline PlaneExtent plane_extent(const ImageView& image, int plane) {
  if (plane == 0) {
    return {static_cast<std::size_t>(image.height),
            static_cast<std::size_t>(image.width) * bytes_per_pixel(image.format),
            static_cast<std::size_t>(row_step(image))};
  }
  const auto columns = static_cast<std::size_t>(chroma_side(image.width));
  const auto step = static_cast<std::size_t>(chroma_step(image, plane - 1));
  const bool pairs = image.format != PixelFormat::i420;
  return {static_cast<std::size_t>(chroma_side(image.height)),
          pairs ? 2 * columns : step * (columns - 1) + 1,
          static_cast<std::size_t>(chroma_row_step(image, plane - 1))};
}

/// Says how to read the stored pixels so that they are upright and mirrored as requested.
struct Orientation {
  bool swapped = false;           ///< the upright columns are the stored rows
  bool columns_reversed = false;  ///< stored columns are read from the right
  bool rows_reversed = false;     ///< stored rows are read from below
};

inline Orientation orientation_of(const ImageView& image) {
  const Rotation turn = image.rotation;
  Orientation orientation;
  orientation.swapped = turn == Rotation::by_90 || turn == Rotation::by_270;
  orientation.columns_reversed = turn == Rotation::by_180 || turn == Rotation::by_270;
  orientation.rows_reversed = turn == Rotation::by_180 || turn == Rotation::by_90;
  if (image.mirror) {
    bool& upright_columns =
        orientation.swapped ? orientation.rows_reversed : orientation.columns_reversed;
    upright_columns = !upright_columns;
  }
  return orientation;
}

}  // namespace hvit_edge
