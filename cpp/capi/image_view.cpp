#include "image_view.h"

#include <limits>

#include "image/frame_layout.h"
#include "struct_size.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

constexpr std::size_t kFirstVersion = offsetof(hve_image, color) + sizeof(std::int32_t);

Outcome to_format(const char* where, int given, PixelFormat& format) {
  switch (given) {
    case HVE_FORMAT_RGB888:
      format = PixelFormat::rgb888;
      return {};
    case HVE_FORMAT_RGBA8888:
      format = PixelFormat::rgba8888;
      return {};
    case HVE_FORMAT_BGRA8888:
      format = PixelFormat::bgra8888;
      return {};
    case HVE_FORMAT_GRAY8:
      format = PixelFormat::gray8;
      return {};
    case HVE_FORMAT_NV12:
      format = PixelFormat::nv12;
      return {};
    case HVE_FORMAT_NV21:
      format = PixelFormat::nv21;
      return {};
    case HVE_FORMAT_I420:
      format = PixelFormat::i420;
      return {};
    default:
      return refuse(
          where, concat("expected one of HVE_FORMAT_..., got ", given, "; set the image's format"));
  }
}

Outcome to_rotation(const char* where, int degrees, Rotation& rotation) {
  if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
    return refuse(where, concat("expected a rotation of 0, 90, 180 or 270 degrees, got ", degrees,
                                "; rotate by quarter turns"));
  }
  rotation = static_cast<Rotation>(degrees);
  return {};
}

Outcome to_mirror(const char* where, int given, bool& mirror) {
  if (given != 0 && given != 1) {
    return refuse(where, concat("expected mirror 0 or 1, got ", given, "; 1 mirrors the image"));
  }
  mirror = given == 1;
  return {};
}

// Reads the color encoding; `view` has its format already.
Outcome to_color(const char* where, int given, ImageView& view) {
  if (given < HVE_COLOR_DEFAULT || given > HVE_COLOR_BT709_VIDEO) {
    return refuse(where,
                  concat("expected one of HVE_COLOR_..., got ", given, "; set the image's color"));
  }
  if (given != HVE_COLOR_DEFAULT && chroma_planes(view.format) == 0) {
    return refuse(where, concat("expected HVE_COLOR_DEFAULT, got ", given,
                                ", which is for YUV; leave the color at 0"));
  }
  const bool bt709 = given == HVE_COLOR_BT709_FULL || given == HVE_COLOR_BT709_VIDEO;
  const bool video = given == HVE_COLOR_BT601_VIDEO || given == HVE_COLOR_BT709_VIDEO;
  view.matrix = bt709 ? YuvMatrix::bt709 : YuvMatrix::bt601;
  view.range = video ? YuvRange::video : YuvRange::full;
  return {};
}

Outcome to_first_plane(const char* where, const hve_plane& plane, ImageView& view) {
  const auto pixel = static_cast<std::size_t>(bytes_per_pixel(view.format));
  if (plane.pixel_stride != 0 && plane.pixel_stride != pixel) {
    return refuse(where, concat("expected a pixel_stride of ", pixel, " or 0, got ",
                                plane.pixel_stride, "; pixels of this format are contiguous"));
  }
  view.data = plane.data;
  view.row_stride_bytes = plane.row_stride;
  return {};
}

// Reads the planes after the first; those that the format does not have must be empty.
Outcome to_chroma(const char* where, const hve_image& image, ImageView& view) {
  const int count = chroma_planes(view.format);
  for (int i = 0; i < 2; ++i) {
    const hve_plane& plane = image.planes[i + 1];
    if (i >= count) {
      if (plane.data == nullptr) continue;
      return refuse(where, concat("expected ", count == 0 ? "one plane" : "two planes",
                                  ", got data in plane ", i + 1, "; this format has no more"));
    }
    if (plane.data == nullptr) {
      return refuse(where, concat("expected ", count + 1, " planes, got NULL in plane ", i + 1,
                                  "; set its data, even if it follows the luma in one buffer"));
    }
    if (plane.pixel_stride > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      return refuse(where, concat("expected a pixel_stride of 0, 1 or 2 in plane ", i + 1, ", got ",
                                  plane.pixel_stride, "; copy the plane"));
    }
    view.chroma[i] = {plane.data, plane.row_stride, static_cast<int>(plane.pixel_stride)};
  }
  return {};
}

// Checks that the buffer reaches to the end of the last pixel.
Outcome check_size(const char* where, int index, const hve_plane& plane,
                   const PlaneExtent& extent) {
  const std::size_t further_rows = extent.rows - 1;
  const bool fits =
      plane.size >= extent.row_bytes &&
      (further_rows == 0 || extent.row_step <= (plane.size - extent.row_bytes) / further_rows);
  if (fits) return {};
  return refuse(where,
                concat("plane ", index, ": expected ", extent.rows, " rows of ", extent.row_bytes,
                       " bytes, ", extent.row_step, " bytes apart, got a buffer of ", plane.size,
                       " bytes; check the plane's size and stride"));
}

}  // namespace

Outcome to_image_view(const char* where, const hve_image* image, ImageView& view) {
  if (image == nullptr) return refuse(where, "expected an image, got NULL; pass an hve_image");
  hve_image read = HVE_IMAGE_INIT;
  if (Outcome outcome = read_struct(where, image, kFirstVersion, read); !outcome.ok()) {
    return outcome;
  }
  if (Outcome outcome = to_format(where, read.format, view.format); !outcome.ok()) return outcome;
  if (Outcome outcome = to_rotation(where, read.rotation, view.rotation); !outcome.ok()) {
    return outcome;
  }
  if (Outcome outcome = to_mirror(where, read.mirror, view.mirror); !outcome.ok()) return outcome;
  if (Outcome outcome = to_color(where, read.color, view); !outcome.ok()) return outcome;
  if (Outcome outcome = to_first_plane(where, read.planes[0], view); !outcome.ok()) return outcome;
  if (Outcome outcome = to_chroma(where, read, view); !outcome.ok()) return outcome;
  view.width = read.width;
  view.height = read.height;
  if (Status status = validate(view); !status.ok()) return status;
  for (int i = 0; i <= chroma_planes(view.format); ++i) {
    const PlaneExtent extent = plane_extent(view, i);
    if (Outcome outcome = check_size(where, i, read.planes[i], extent); !outcome.ok()) {
      return outcome;
    }
  }
  return {};
}

}  // namespace hvit_edge::capi
