#include "image_view.h"

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
    case HVE_FORMAT_NV21:
    case HVE_FORMAT_I420:
      return refuse(where, concat("expected RGB or grey pixels, got the format ", given,
                                  ", which is reserved for YUV; convert the frame first"));
    default:
      return refuse(
          where, concat("expected one of HVE_FORMAT_..., got ", given, "; set the image's format"));
  }
}

Outcome to_rotation(const char* where, int degrees, Rotation& rotation) {
  if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
    return refuse(where, concat("expected a rotation of 0, 90, 180 or 270 degrees, got ", degrees,
                                "; turn in quarters"));
  }
  rotation = static_cast<Rotation>(degrees);
  return {};
}

Outcome check_reserved(const char* where, const hve_image& image) {
  if (image.mirror != 0) {
    return refuse(where, concat("expected mirror 0, got ", image.mirror,
                                ", which is reserved; mirror the pixels first"));
  }
  if (image.color != HVE_COLOR_DEFAULT) {
    return refuse(where, concat("expected HVE_COLOR_DEFAULT, got ", image.color,
                                ", which is for YUV; leave the colour at 0"));
  }
  for (int i = 1; i < 3; ++i) {
    if (image.planes[i].data == nullptr) continue;
    return refuse(where, concat("expected one plane, got data in plane ", i,
                                "; this format has the first plane alone"));
  }
  return {};
}

// The buffer must reach to the end of the last pixel; `view` has passed validate().
Outcome check_size(const char* where, const hve_plane& plane, const ImageView& view) {
  const std::size_t row =
      static_cast<std::size_t>(view.width) * static_cast<std::size_t>(bytes_per_pixel(view.format));
  const std::size_t stride = plane.row_stride == 0 ? row : plane.row_stride;
  const auto further_rows = static_cast<std::size_t>(view.height) - 1;
  const bool fits =
      plane.size >= row && (further_rows == 0 || stride <= (plane.size - row) / further_rows);
  if (fits) return {};
  return refuse(where, concat("expected ", view.height, " rows of ", row, " bytes, ", stride,
                              " bytes apart, got a buffer of ", plane.size,
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
  if (Outcome outcome = check_reserved(where, read); !outcome.ok()) return outcome;
  const hve_plane& plane = read.planes[0];
  const auto pixel = static_cast<std::size_t>(bytes_per_pixel(view.format));
  if (plane.pixel_stride != 0 && plane.pixel_stride != pixel) {
    return refuse(where, concat("expected a pixel_stride of ", pixel, " or 0, got ",
                                plane.pixel_stride, "; pixels of this format lie side by side"));
  }
  view.data = plane.data;
  view.width = read.width;
  view.height = read.height;
  view.row_stride_bytes = plane.row_stride;
  if (Status status = validate(view); !status.ok()) return status;
  return check_size(where, plane, view);
}

}  // namespace hvit_edge::capi
