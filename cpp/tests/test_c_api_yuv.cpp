#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "artifact.h"
#include "c_api.h"
#include "hvit_edge/classifier.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

// 61 x 51 pixels in one buffer: luma, then 31 x 26 chroma samples. Rows are padded.
class CApiYuv : public ::testing::Test {
 protected:
  static constexpr std::size_t kLuma = 51 * 64;

  struct Layout {
    std::int32_t format;
    PixelFormat reference_format;
    std::size_t planes;
    std::size_t row_bytes;     // of a chroma plane
    std::size_t row_stride;    // of a chroma plane; 0: rows are contiguous
    std::size_t pixel_stride;  // of a chroma plane
  };

  static std::vector<Layout> layouts() {
    return {{HVE_FORMAT_NV12, PixelFormat::nv12, 1, 62, 70, 2},
            {HVE_FORMAT_NV21, PixelFormat::nv21, 1, 62, 0, 0},
            {HVE_FORMAT_I420, PixelFormat::i420, 2, 31, 0, 0},
            {HVE_FORMAT_I420, PixelFormat::i420, 2, 31, 40, 1},
            {HVE_FORMAT_I420, PixelFormat::i420, 2, 61, 64, 2}};
  }

  // The planes end with their last sample.
  hve_image yuv_image(const Layout& layout) const {
    hve_image image = HVE_IMAGE_INIT;
    image.format = layout.format;
    image.width = 61;
    image.height = 51;
    image.planes[0] = {frame_.data(), 50 * 64 + 61, 64, 0};
    const std::size_t step = layout.row_stride != 0 ? layout.row_stride : layout.row_bytes;
    // Samples are two bytes apart: V is between the samples of U, as in Android's frames.
    const std::size_t second = layout.pixel_stride == 2 ? 1 : 26 * step;
    for (std::size_t i = 0; i < layout.planes; ++i) {
      image.planes[i + 1] = {frame_.data() + kLuma + i * second, 25 * step + layout.row_bytes,
                             layout.row_stride, layout.pixel_stride};
    }
    return image;
  }

  static ImageView reference_view(const Layout& layout, const hve_image& image) {
    ImageView view;
    view.format = layout.reference_format;
    view.width = image.width;
    view.height = image.height;
    view.data = image.planes[0].data;
    view.row_stride_bytes = image.planes[0].row_stride;
    for (std::size_t i = 0; i < layout.planes; ++i) {
      const hve_plane& plane = image.planes[i + 1];
      view.chroma[i] = {plane.data, plane.row_stride, static_cast<int>(plane.pixel_stride)};
    }
    return view;
  }

  std::vector<float> logits_of(const hve_image& image) {
    std::vector<float> logits(7);
    std::size_t count = 0;
    EXPECT_EQ(hve_classifier_logits(handle_.get(), &image, logits.data(), 7, &count, reason_),
              HVE_OK)
        << reason_.text();
    return logits;
  }

  std::vector<float> expected_logits_of(const ImageView& view) {
    const Result<const std::vector<float>*> logits = reference_.logits(view);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    return logits.ok() ? **logits : std::vector<float>();
  }

  // Checks that an image is refused for the given reason.
  void expect_refused(const hve_image& image, const std::string& part) {
    hve_prediction predictions[7];
    std::size_t count = 99;
    EXPECT_EQ(hve_classifier_classify(handle_.get(), &image, 7, predictions, 7, &count, reason_),
              HVE_INVALID_ARGUMENT)
        << part;
    EXPECT_EQ(count, 0U);
    EXPECT_PRED2(contains, reason_.text(), part);
  }

  std::vector<std::uint8_t> frame_ = testing::some_bytes(kLuma + 2 * 26 * 70);
  testing::OwnedClassifier handle_ = testing::open_classifier(testing::tiny_path());
  Classifier reference_ = Classifier::load(testing::tiny_path()).value();
  Reason reason_;
};

TEST_F(CApiYuv, GivesWhatTheCppClassifierGives) {
  for (const Layout& layout : layouts()) {
    hve_image image = yuv_image(layout);
    ImageView view = reference_view(layout, image);
    const std::vector<float> plain = logits_of(image);
    EXPECT_EQ(plain, expected_logits_of(view));
    for (const int degrees : {0, 90, 180, 270}) {
      image.rotation = degrees;
      view.rotation = static_cast<Rotation>(degrees);
      image.mirror = 1;
      view.mirror = true;
      EXPECT_EQ(logits_of(image), expected_logits_of(view));
      EXPECT_NE(logits_of(image), plain);
    }
  }
}

TEST_F(CApiYuv, KnowsEveryMeaningOfTheNumbers) {
  struct Case {
    std::int32_t color;
    YuvMatrix matrix;
    YuvRange range;
  };
  const Layout layout = layouts().front();
  hve_image image = yuv_image(layout);
  ImageView view = reference_view(layout, image);
  std::vector<std::vector<float>> seen;
  for (const Case& c : {Case{HVE_COLOR_BT601_FULL, YuvMatrix::bt601, YuvRange::full},
                        Case{HVE_COLOR_BT601_VIDEO, YuvMatrix::bt601, YuvRange::video},
                        Case{HVE_COLOR_BT709_FULL, YuvMatrix::bt709, YuvRange::full},
                        Case{HVE_COLOR_BT709_VIDEO, YuvMatrix::bt709, YuvRange::video}}) {
    image.color = c.color;
    view.matrix = c.matrix;
    view.range = c.range;
    const std::vector<float> logits = logits_of(image);
    EXPECT_EQ(logits, expected_logits_of(view));
    EXPECT_EQ(std::count(seen.begin(), seen.end(), logits), 0) << c.color;
    seen.push_back(logits);
  }
  image.color = HVE_COLOR_DEFAULT;
  EXPECT_EQ(logits_of(image), seen.front());
}

TEST_F(CApiYuv, RefusesPlanesThatAreMissingOrTooMany) {
  for (const Layout& layout : layouts()) {
    for (std::size_t i = 1; i <= layout.planes; ++i) {
      hve_image image = yuv_image(layout);
      image.planes[i].data = nullptr;
      expect_refused(image, "planes, got NULL in plane " + std::to_string(i));
    }
    hve_image image = yuv_image(layout);
    image.planes[0].data = nullptr;
    expect_refused(image, "expected pixels, got a null pointer");
    if (layout.planes == 2) continue;
    image = yuv_image(layout);
    image.planes[2].data = frame_.data();
    expect_refused(image, "expected two planes, got data in plane 2");
  }
}

TEST_F(CApiYuv, RefusesPlanesThatEndTooEarly) {
  for (const Layout& layout : layouts()) {
    for (std::size_t i = 0; i <= layout.planes; ++i) {
      hve_image image = yuv_image(layout);
      image.planes[i].size -= 1;
      expect_refused(image, "plane " + std::to_string(i) + ": expected " + (i == 0 ? "51" : "26") +
                                " rows of " + std::to_string(i == 0 ? 61 : layout.row_bytes));
      image = yuv_image(layout);
      image.planes[i].row_stride = SIZE_MAX;
      expect_refused(image, "plane " + std::to_string(i) + ": expected");
    }
  }
}

TEST_F(CApiYuv, RefusesStridesThatCannotBe) {
  for (const Layout& layout : layouts()) {
    for (std::size_t i = 1; i <= layout.planes; ++i) {
      hve_image image = yuv_image(layout);
      image.planes[i].row_stride = layout.row_bytes - 1;
      expect_refused(image, "row_stride_bytes of at least " + std::to_string(layout.row_bytes));
      for (const std::size_t stride : {std::size_t{3}, std::size_t{INT32_MAX} + 1, SIZE_MAX}) {
        image = yuv_image(layout);
        image.planes[i].pixel_stride = stride;
        expect_refused(image, "expected ");
        EXPECT_PRED2(contains, reason_.text(), "got " + std::to_string(stride));
      }
    }
    hve_image image = yuv_image(layout);
    image.planes[0].pixel_stride = 2;
    expect_refused(image, "expected a pixel_stride of 1 or 0, got 2");
  }
}

}  // namespace
}  // namespace hvit_edge
