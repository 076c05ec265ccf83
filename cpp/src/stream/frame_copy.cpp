#include "stream/frame_copy.h"

#include <cstring>

#include "image/frame_layout.h"

namespace hvit_edge {
namespace {

std::size_t bytes_of(const PlaneExtent& extent) { return extent.rows * extent.row_bytes; }

// The copy has its rows side by side.
void copy_plane(const std::uint8_t* from, const PlaneExtent& extent, std::uint8_t* to) {
  if (extent.row_step == extent.row_bytes) {
    std::memcpy(to, from, bytes_of(extent));
    return;
  }
  for (std::size_t y = 0; y < extent.rows; ++y) {
    std::memcpy(to + y * extent.row_bytes, from + y * extent.row_step, extent.row_bytes);
  }
}

}  // namespace

void FrameCopy::take(const ImageView& image) {
  const int chroma = chroma_planes(image.format);
  std::size_t total = 0;
  for (int i = 0; i <= chroma; ++i) total += bytes_of(plane_extent(image, i));
  if (bytes_.size() < total) {
    bytes_.clear();  // the old bytes need not be moved
    bytes_.resize(total);
  }
  view_ = image;
  view_.chroma = {};
  std::uint8_t* to = bytes_.data();
  for (int i = 0; i <= chroma; ++i) {
    const PlaneExtent extent = plane_extent(image, i);
    if (i == 0) {
      copy_plane(image.data, extent, to);
      view_.data = to;
      view_.row_stride_bytes = extent.row_bytes;
    } else {
      copy_plane(image.chroma[i - 1].data, extent, to);
      view_.chroma[i - 1] = {to, extent.row_bytes, chroma_step(image, i - 1)};
    }
    to += bytes_of(extent);
  }
}

}  // namespace hvit_edge
