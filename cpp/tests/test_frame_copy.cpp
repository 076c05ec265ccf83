#include <gtest/gtest.h>

#include <vector>

#include "image/frame_layout.h"
#include "stream/frame_copy.h"

namespace hvit_edge {
namespace {

const std::uint8_t* plane_data(const ImageView& image, int plane) {
  return plane == 0 ? image.data : image.chroma[plane - 1].data;
}

// Returns what may be read of a plane, row after row.
std::vector<std::uint8_t> content(const ImageView& image, int plane) {
  const PlaneExtent extent = plane_extent(image, plane);
  std::vector<std::uint8_t> bytes;
  for (std::size_t y = 0; y < extent.rows; ++y) {
    const std::uint8_t* row = plane_data(image, plane) + y * extent.row_step;
    bytes.insert(bytes.end(), row, row + extent.row_bytes);
  }
  return bytes;
}

// 5 x 3 pixels in planes that end with their last sample.
struct Original {
  Original(PixelFormat format, std::size_t padding, int pixel_stride) {
    view.format = format;
    view.width = 5;
    view.height = 3;
    view.rotation = Rotation::by_90;
    view.mirror = true;
    view.matrix = YuvMatrix::bt709;
    view.range = YuvRange::video;
    for (int i = 0; i < chroma_planes(format); ++i) {
      view.chroma[i].pixel_stride_bytes = pixel_stride;
    }
    for (int i = 0; i <= chroma_planes(format); ++i) {
      PlaneExtent extent = plane_extent(view, i);
      if (padding != 0) {
        extent.row_step = extent.row_bytes + padding;
        (i == 0 ? view.row_stride_bytes : view.chroma[i - 1].row_stride_bytes) = extent.row_step;
      }
      planes[i].resize((extent.rows - 1) * extent.row_step + extent.row_bytes);
      for (std::uint8_t& byte : planes[i]) byte = ++last;
      (i == 0 ? view.data : view.chroma[i - 1].data) = planes[i].data();
    }
  }

  std::uint8_t last = 0;
  std::vector<std::uint8_t> planes[3];
  ImageView view;
};

constexpr PixelFormat kFormats[] = {
    PixelFormat::rgb888, PixelFormat::rgba8888, PixelFormat::bgra8888, PixelFormat::gray8,
    PixelFormat::nv12,   PixelFormat::nv21,     PixelFormat::i420};

TEST(FrameCopy, HasThePixelsOfEveryFormat) {
  FrameCopy copy;
  for (const PixelFormat format : kFormats) {
    for (const std::size_t padding : {0, 1, 7}) {
      for (const int stride : {0, 2}) {
        Original original(format, padding, stride);
        ASSERT_TRUE(validate(original.view).ok()) << validate(original.view).message();
        std::vector<std::uint8_t> expected[3];
        for (int i = 0; i <= chroma_planes(format); ++i) expected[i] = content(original.view, i);
        copy.take(original.view);
        for (std::vector<std::uint8_t>& plane : original.planes) plane.assign(plane.size(), 0);
        ASSERT_TRUE(validate(copy.view()).ok()) << validate(copy.view()).message();
        for (int i = 0; i <= chroma_planes(format); ++i) {
          EXPECT_EQ(content(copy.view(), i), expected[i]) << static_cast<int>(format) << " " << i;
        }
      }
    }
  }
}

TEST(FrameCopy, KeepsWhatTheNumbersMean) {
  const Original original(PixelFormat::i420, 3, 1);
  FrameCopy copy;
  copy.take(original.view);
  const ImageView& view = copy.view();
  EXPECT_EQ(view.format, PixelFormat::i420);
  EXPECT_EQ(view.width, 5);
  EXPECT_EQ(view.height, 3);
  EXPECT_EQ(view.rotation, Rotation::by_90);
  EXPECT_TRUE(view.mirror);
  EXPECT_EQ(view.matrix, YuvMatrix::bt709);
  EXPECT_EQ(view.range, YuvRange::video);
  EXPECT_EQ(view.row_stride_bytes, 5U);
}

TEST(FrameCopy, TakesSmallerAndLargerFramesInTurn) {
  FrameCopy copy;
  for (const PixelFormat format : {PixelFormat::gray8, PixelFormat::rgba8888, PixelFormat::nv12,
                                   PixelFormat::rgb888, PixelFormat::rgba8888}) {
    const Original original(format, 2, 0);
    copy.take(original.view);
    EXPECT_EQ(content(copy.view(), 0), content(original.view, 0));
    EXPECT_EQ(copy.view().chroma[0].data != nullptr, format == PixelFormat::nv12);
  }
}

}  // namespace
}  // namespace hvit_edge
