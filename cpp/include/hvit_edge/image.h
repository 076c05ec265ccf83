// ImageView: a frame as a camera or a decoder delivers it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hvit_edge/status.h"

namespace hvit_edge {

enum class PixelFormat { rgb888, rgba8888, bgra8888, gray8 };

/// Clockwise turn that brings the stored pixels upright.
enum class Rotation { none = 0, by_90 = 90, by_180 = 180, by_270 = 270 };

/// Pixels of somebody else, read during the call only. Alpha is ignored, grey becomes R = G = B.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;                     ///< in pixels, as stored (before the rotation)
  int height = 0;                    ///< in pixels, as stored (before the rotation)
  std::size_t row_stride_bytes = 0;  ///< from a row to the next; 0: rows lie side by side
  PixelFormat format = PixelFormat::rgb888;
  Rotation rotation = Rotation::none;
};

/// 1, 3 or 4.
int bytes_per_pixel(PixelFormat format);

/// Refuses null data, sides below 1 or above 2^20, and a stride shorter than a row.
Status validate(const ImageView& image);

}  // namespace hvit_edge
