#include <gtest/gtest.h>

#include <vector>

#include "hvit_edge/image.h"
#include "pixel_rows.h"

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

// Red channel of the upright image, row by row.
std::vector<int> upright(const ImageView& image) {
  const PixelRows rows(image);
  std::vector<std::uint8_t> scratch(3 * static_cast<std::size_t>(rows.width()));
  std::vector<int> red;
  for (int y = 0; y < rows.height(); ++y) {
    const std::uint8_t* row = rows.row(y, 0, rows.width(), scratch.data());
    for (int x = 0; x < rows.width(); ++x) red.push_back(row[3 * x]);
  }
  return red;
}

// Stored:  1 2 3   a turn to the right gives  4 1
//          4 5 6                              5 2
//                                             6 3
TEST(PixelRows, TurnsClockwise) {
  const std::uint8_t grey[] = {1, 2, 3, 0, 4, 5, 6, 0};
  ImageView image;
  image.data = grey;
  image.width = 3;
  image.height = 2;
  image.row_stride_bytes = 4;
  image.format = PixelFormat::gray8;
  EXPECT_EQ(upright(image), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  image.rotation = Rotation::by_90;
  EXPECT_EQ(upright(image), (std::vector<int>{4, 1, 5, 2, 6, 3}));
  image.rotation = Rotation::by_180;
  EXPECT_EQ(upright(image), (std::vector<int>{6, 5, 4, 3, 2, 1}));
  image.rotation = Rotation::by_270;
  EXPECT_EQ(upright(image), (std::vector<int>{3, 6, 2, 5, 1, 4}));
}

TEST(PixelRows, ReadsEveryFormatAsRgb) {
  const std::uint8_t bytes[] = {10, 20, 30, 40};
  ImageView image;
  image.data = bytes;
  image.width = 1;
  image.height = 1;
  std::uint8_t scratch[3] = {};
  const auto pixel = [&](PixelFormat format) {
    image.format = format;
    const std::uint8_t* row = PixelRows(image).row(0, 0, 1, scratch);
    return std::vector<int>(row, row + 3);
  };
  EXPECT_EQ(pixel(PixelFormat::rgb888), (std::vector<int>{10, 20, 30}));
  EXPECT_EQ(pixel(PixelFormat::rgba8888), (std::vector<int>{10, 20, 30}));
  EXPECT_EQ(pixel(PixelFormat::bgra8888), (std::vector<int>{30, 20, 10}));
  EXPECT_EQ(pixel(PixelFormat::gray8), (std::vector<int>{10, 10, 10}));
}

TEST(PixelRows, ReadsOnlyTheColumnsAskedFor) {
  const std::uint8_t grey[] = {1, 2, 3, 4, 5};
  ImageView image;
  image.data = grey;
  image.width = 5;
  image.height = 1;
  image.format = PixelFormat::gray8;
  std::uint8_t scratch[6] = {};
  const std::uint8_t* row = PixelRows(image).row(0, 2, 4, scratch);
  EXPECT_EQ(row[0], 3);
  EXPECT_EQ(row[3], 4);
}

}  // namespace
}  // namespace hvit_edge
