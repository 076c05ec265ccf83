// ImageView: a frame of a camera or a decoder; docs/frames.md describes the frames of cameras.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hvit_edge/status.h"

namespace hvit_edge {

enum class PixelFormat {
  rgb888,
  rgba8888,
  bgra8888,
  gray8,
  nv12,  ///< luma, then a plane of pairs U V
  nv21,  ///< luma, then a plane of pairs V U
  i420,  ///< luma, then a plane of U and one of V, their samples 1 or 2 bytes apart
};

/// The clockwise rotation that brings the stored pixels upright.
enum class Rotation { none = 0, by_90 = 90, by_180 = 180, by_270 = 270 };

/// The color matrix of a YUV frame: ITU-R BT.601 or BT.709.
enum class YuvMatrix { bt601, bt709 };
/// The range of a YUV frame: luma 0 to 255 as in JPEG, or luma 16 to 235 and chroma 16 to 240 as in
/// video.
enum class YuvRange { full, video };

/// Has (width + 1) / 2 x (height + 1) / 2 color samples: an odd last column or row has its own.
struct ChromaPlane {
  const std::uint8_t* data = nullptr;
  std::size_t row_stride_bytes = 0;  ///< from a row to the next; 0: rows are side by side
  int pixel_stride_bytes = 0;        ///< from a sample to the next; 0: 2, or 1 with i420
};

/// Pixels of the caller, read only during the call. Alpha is ignored; gray becomes R = G = B.
struct ImageView {
  const std::uint8_t* data = nullptr;  ///< pixels, or the luma of a YUV frame
  int width = 0;                       ///< in pixels, as stored (before the rotation)
  int height = 0;                      ///< in pixels, as stored (before the rotation)
  std::size_t row_stride_bytes = 0;    ///< from a row of `data` to the next; 0: rows are contiguous
  PixelFormat format = PixelFormat::rgb888;
  Rotation rotation = Rotation::none;
  bool mirror = false;  ///< left and right are swapped, after the rotation
  /// nv12 and nv21: the first is the plane of pairs. i420: U and V. Other formats have none.
  std::array<ChromaPlane, 2> chroma = {};
  YuvMatrix matrix = YuvMatrix::bt601;
  YuvRange range = YuvRange::full;
};

/// Returns the bytes of a pixel of `data`: 3, 4 or 1.
int bytes_per_pixel(PixelFormat format);

/// Refuses null data, sides below 1 or above 2^20, values outside the enums, a stride shorter than
/// a row, and chroma planes that are missing or have another pixel stride.
Status validate(const ImageView& image);

}  // namespace hvit_edge
