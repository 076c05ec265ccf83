#include <gtest/gtest.h>

#include <vector>

#include "hvit_edge/image.h"
#include "image/frame_layout.h"
#include "image/pixel_rows.h"

namespace hvit_edge {
namespace {

const std::uint8_t kPixels[64] = {};

ImageView good() {
  ImageView image;
  image.data = kPixels;
  image.width = 4;
  image.height = 2;
  return image;
}

void expect_refused(const ImageView& image, const std::string& part) {
  const Status status = validate(image);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

TEST(ImageView, GoodOnesPass) {
  EXPECT_TRUE(validate(good()).ok());
  ImageView image = good();
  image.row_stride_bytes = 12;
  EXPECT_TRUE(validate(image).ok());
}

TEST(ImageView, RefusesNull) {
  ImageView image = good();
  image.data = nullptr;
  expect_refused(image, "got a null pointer");
}

TEST(ImageView, RefusesImpossibleSides) {
  for (const int side : {0, -3, (1 << 20) + 1, 2147483647}) {
    ImageView image = good();
    image.width = side;
    expect_refused(image, "expected sides of 1 to 1048576 pixels");
    image = good();
    image.height = side;
    expect_refused(image, "expected sides of 1 to 1048576 pixels");
  }
}

TEST(ImageView, RefusesStridesShorterThanARow) {
  ImageView image = good();
  image.row_stride_bytes = 11;
  expect_refused(image, "expected row_stride_bytes of at least 12 (4 pixels of 3 bytes), got 11");
  image.format = PixelFormat::rgba8888;
  image.row_stride_bytes = 15;
  expect_refused(image, "at least 16");
}

TEST(ImageView, RefusesValuesOutsideItsEnums) {
  ImageView image = good();
  image.rotation = static_cast<Rotation>(45);
  expect_refused(image, "expected a rotation of 0, 90, 180 or 270 degrees, got 45");
  image = good();
  image.format = static_cast<PixelFormat>(9);
  expect_refused(image, "expected a PixelFormat, got 9");
}

TEST(ImageView, RefusesUnknownYuv) {
  ImageView image = good();
  image.matrix = static_cast<YuvMatrix>(2);
  expect_refused(image, "expected a YuvMatrix, got 2");
  image = good();
  image.range = static_cast<YuvRange>(-1);
  expect_refused(image, "expected a YuvRange, got -1");
}

// 5 x 3 pixels, so 3 x 2 chroma samples.
ImageView good_yuv(PixelFormat format) {
  ImageView image = good();
  image.format = format;
  image.width = 5;
  image.height = 3;
  image.chroma[0].data = kPixels;
  if (format == PixelFormat::i420) image.chroma[1].data = kPixels;
  return image;
}

constexpr PixelFormat kYuv[] = {PixelFormat::nv12, PixelFormat::nv21, PixelFormat::i420};

TEST(ImageView, GoodYuvPasses) {
  for (const PixelFormat format : kYuv) {
    ImageView image = good_yuv(format);
    EXPECT_TRUE(validate(image).ok());
    image.row_stride_bytes = 5;
    image.chroma[0].row_stride_bytes = 6;
    image.chroma[0].pixel_stride_bytes = image.chroma[1].pixel_stride_bytes = 2;
    EXPECT_TRUE(validate(image).ok());
  }
  // Android omits the bytes after the last sample.
  ImageView image = good_yuv(PixelFormat::i420);
  image.chroma[0].pixel_stride_bytes = image.chroma[1].pixel_stride_bytes = 2;
  image.chroma[0].row_stride_bytes = 5;
  EXPECT_TRUE(validate(image).ok());
}

TEST(ImageView, RefusesMissingPlanes) {
  for (const PixelFormat format : kYuv) {
    ImageView image = good_yuv(format);
    image.chroma[0].data = nullptr;
    expect_refused(image, "expected chroma[0], got a null pointer; set chroma[0].data");
  }
  ImageView image = good_yuv(PixelFormat::i420);
  image.chroma[1].data = nullptr;
  expect_refused(image, "expected chroma[1], got a null pointer");
}

TEST(ImageView, RefusesShortStridesOfYuv) {
  ImageView image = good_yuv(PixelFormat::nv21);
  image.row_stride_bytes = 4;
  expect_refused(image, "expected row_stride_bytes of at least 5 (5 pixels of 1 bytes), got 4");
  image = good_yuv(PixelFormat::nv21);
  image.chroma[0].row_stride_bytes = 5;
  expect_refused(image, "expected chroma[0].row_stride_bytes of at least 6 (3 samples), got 5");
  image = good_yuv(PixelFormat::i420);
  image.chroma[1].row_stride_bytes = 2;
  expect_refused(image, "expected chroma[1].row_stride_bytes of at least 3 (3 samples), got 2");
}

TEST(ImageView, RefusesImpossiblePixelStrides) {
  for (const int stride : {-2, 3, 2147483647}) {
    ImageView image = good_yuv(PixelFormat::i420);
    image.chroma[1].pixel_stride_bytes = stride;
    expect_refused(image, "expected chroma[1].pixel_stride_bytes of 1 or 2, got");
  }
  ImageView image = good_yuv(PixelFormat::nv12);
  image.chroma[0].pixel_stride_bytes = 1;
  expect_refused(image, "expected chroma[0].pixel_stride_bytes of 2, got 1");
  image = good_yuv(PixelFormat::i420);
  image.chroma[1].pixel_stride_bytes = 2;
  expect_refused(image, "expected one pixel_stride_bytes of U and V, got 1 and 2");
}

// Returns the colors of columns [first, last) of a row.
std::vector<std::vector<int>> colors(const ImageView& image, int y, int first, int last) {
  const std::size_t distance = color_distance(last - first);
  std::vector<std::uint8_t> row(3 * distance, 0xEE);
  PixelRows(image, scalar_kernels()).separate(y, first, last, {row.data(), distance});
  std::vector<std::vector<int>> result;
  for (int color = 0; color < 3; ++color) {
    const std::uint8_t* begin = row.data() + color * distance;
    result.emplace_back(begin, begin + last - first);
    EXPECT_EQ(begin[last - first], 0xEE);
  }
  return result;
}

using Colors = std::vector<std::vector<int>>;

TEST(PixelRows, ReadsEveryPackedFormat) {
  const std::uint8_t bytes[] = {10, 20, 30, 40, 50, 60, 70, 80};
  ImageView image;
  image.data = bytes;
  image.width = 2;
  image.height = 1;
  EXPECT_EQ(colors(image, 0, 0, 2), (Colors{{10, 40}, {20, 50}, {30, 60}}));
  image.format = PixelFormat::rgba8888;
  EXPECT_EQ(colors(image, 0, 0, 2), (Colors{{10, 50}, {20, 60}, {30, 70}}));
  image.format = PixelFormat::bgra8888;
  EXPECT_EQ(colors(image, 0, 1, 2), (Colors{{70}, {60}, {50}}));
  image.format = PixelFormat::gray8;
  image.width = 4;
  image.height = 2;
  EXPECT_EQ(colors(image, 1, 1, 3), (Colors{{60, 70}, {60, 70}, {60, 70}}));
}

// Two columns and rows share a chroma sample; a crop may begin with the right one of two.
TEST(PixelRows, FindsTheColorOfEachPixel) {
  const std::uint8_t luma[15] = {};
  const std::uint8_t pairs[] = {128, 129, 128, 130, 128, 131, 128, 132, 128, 133, 128, 134};
  ImageView image;
  image.format = PixelFormat::nv12;
  image.data = luma;
  image.width = 5;
  image.height = 3;
  image.chroma[0].data = pairs;
  const auto red = [&](int y, int first) { return colors(image, y, first, 5)[0]; };
  // The red of black is V - 128, times 1.402.
  EXPECT_EQ(red(0, 0), (std::vector<int>{1, 1, 3, 3, 4}));
  EXPECT_EQ(red(1, 1), (std::vector<int>{1, 3, 3, 4}));
  EXPECT_EQ(red(2, 3), (std::vector<int>{7, 8}));
}

TEST(Orientation, TurnsThenMirrors) {
  const auto flags = [](Rotation rotation, bool mirror) {
    ImageView image;
    image.rotation = rotation;
    image.mirror = mirror;
    const Orientation o = orientation_of(image);
    return std::vector<bool>{o.swapped, o.columns_reversed, o.rows_reversed};
  };
  using Flags = std::vector<bool>;
  EXPECT_EQ(flags(Rotation::none, false), (Flags{false, false, false}));
  EXPECT_EQ(flags(Rotation::by_90, false), (Flags{true, false, true}));
  EXPECT_EQ(flags(Rotation::by_180, false), (Flags{false, true, true}));
  EXPECT_EQ(flags(Rotation::by_270, false), (Flags{true, true, false}));
  EXPECT_EQ(flags(Rotation::none, true), (Flags{false, true, false}));
  EXPECT_EQ(flags(Rotation::by_90, true), (Flags{true, false, false}));
  EXPECT_EQ(flags(Rotation::by_180, true), (Flags{false, false, true}));
  EXPECT_EQ(flags(Rotation::by_270, true), (Flags{true, true, true}));
}

}  // namespace
}  // namespace hvit_edge
