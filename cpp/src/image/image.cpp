#include "hvit_edge/image.h"

#include "image/frame_layout.h"
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

Status validate_enums(const ImageView& image) {
  if (bytes_per_pixel(image.format) == 0) {
    return refuse(concat("expected a PixelFormat, got ", static_cast<int>(image.format),
                         "; use one of the enum's values"));
  }
  if (!is_known(image.rotation)) {
    return refuse(concat("expected a rotation of 0, 90, 180 or 270 degrees, got ",
                         static_cast<int>(image.rotation), "; rotate by quarter turns"));
  }
  if (image.matrix != YuvMatrix::bt601 && image.matrix != YuvMatrix::bt709) {
    return refuse(concat("expected a YuvMatrix, got ", static_cast<int>(image.matrix),
                         "; use one of the enum's values"));
  }
  if (image.range != YuvRange::full && image.range != YuvRange::video) {
    return refuse(concat("expected a YuvRange, got ", static_cast<int>(image.range),
                         "; use one of the enum's values"));
  }
  return Status();
}

Status validate_chroma(const ImageView& image, int index) {
  const ChromaPlane& plane = image.chroma[index];
  const std::string name = concat("chroma[", index, "]");
  if (plane.data == nullptr) {
    return refuse(concat("expected ", name, ", got a null pointer; set ", name,
                         ".data, even if it follows the luma in one buffer"));
  }
  const bool pairs = image.format != PixelFormat::i420;
  const int step = chroma_step(image, index);
  if (step != 2 && (pairs || step != 1)) {
    return refuse(concat("expected ", name, ".pixel_stride_bytes of ", pairs ? "2" : "1 or 2",
                         ", got ", step, "; copy the plane"));
  }
  const std::size_t columns = chroma_side(image.width);
  const std::size_t row = plane_extent(image, index + 1).row_bytes;
  if (plane.row_stride_bytes != 0 && plane.row_stride_bytes < row) {
    return refuse(concat("expected ", name, ".row_stride_bytes of at least ", row, " (", columns,
                         " samples), got ", plane.row_stride_bytes,
                         "; set the distance between rows in bytes"));
  }
  return Status();
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
    case PixelFormat::nv12:
    case PixelFormat::nv21:
    case PixelFormat::i420:
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
  if (Status status = validate_enums(image); !status.ok()) return status;
  const int pixel = bytes_per_pixel(image.format);
  const std::size_t row = static_cast<std::size_t>(image.width) * pixel;
  if (image.row_stride_bytes != 0 && image.row_stride_bytes < row) {
    return refuse(concat("expected row_stride_bytes of at least ", row, " (", image.width,
                         " pixels of ", pixel, " bytes), got ", image.row_stride_bytes,
                         "; set the distance between rows in bytes"));
  }
  for (int i = 0; i < chroma_planes(image.format); ++i) {
    if (Status status = validate_chroma(image, i); !status.ok()) return status;
  }
  if (image.format == PixelFormat::i420 && chroma_step(image, 0) != chroma_step(image, 1)) {
    return refuse(concat("expected one pixel_stride_bytes of U and V, got ", chroma_step(image, 0),
                         " and ", chroma_step(image, 1), "; copy one of the planes"));
  }
  return Status();
}

}  // namespace hvit_edge
