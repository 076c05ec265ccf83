#include "hvit_edge/image.h"

#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMaxSide = 1 << 20;

bool is_known(Rotation rotation) {
  return rotation == Rotation::none || rotation == Rotation::by_90 ||
         rotation == Rotation::by_180 || rotation == Rotation::by_270;
}

Status refuse(const std::string& message) {
  return Status(StatusCode::invalid_argument, "[ImageView] " + message);
}

}  // namespace

int bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::rgb888:
      return 3;
    case PixelFormat::rgba8888:
    case PixelFormat::bgra8888:
      return 4;
    case PixelFormat::gray8:
      return 1;
  }
  return 0;
}

Status validate(const ImageView& image) {
  if (image.data == nullptr) return refuse("expected pixels, got a null pointer; set data");
  if (image.width < 1 || image.height < 1 || image.width > kMaxSide || image.height > kMaxSide) {
    return refuse(concat("expected sides of 1 to ", kMaxSide, " pixels, got ", image.width, "x",
                         image.height, "; check width and height"));
  }
  const int pixel = bytes_per_pixel(image.format);
  if (pixel == 0) {
    return refuse(concat("expected a PixelFormat, got ", static_cast<int>(image.format),
                         "; use one of the enum's values"));
  }
  if (!is_known(image.rotation)) {
    return refuse(concat("expected a rotation of 0, 90, 180 or 270 degrees, got ",
                         static_cast<int>(image.rotation), "; turn in quarters"));
  }
  const std::size_t row = static_cast<std::size_t>(image.width) * pixel;
  if (image.row_stride_bytes != 0 && image.row_stride_bytes < row) {
    return refuse(concat("expected row_stride_bytes of at least ", row, " (", image.width,
                         " pixels of ", pixel, " bytes), got ", image.row_stride_bytes,
                         "; give the distance between rows in bytes"));
  }
  return Status();
}

}  // namespace hvit_edge
