// Masks of a frame whose classes are known; tests/runtime compares every pixel with PyTorch.
#include <gtest/gtest.h>

#include "artifact.h"
#include "color_frame.h"
#include "hvit_edge/segmenter.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::data_path;

Segmenter load() {
  Result<Segmenter> segmenter = Segmenter::load(data_path(testing::kSegment));
  EXPECT_TRUE(segmenter.ok()) << segmenter.status().message();
  return std::move(segmenter).value();
}

TEST(Segmenter, FindsTheClassesOfAFrame) {
  const ColorFrame frame;
  Segmenter segmenter = load();
  EXPECT_EQ(segmenter.num_classes(), 4);
  EXPECT_EQ(segmenter.label(1), "red");
  EXPECT_EQ(segmenter.label(4), "class 4");
  EXPECT_EQ(segmenter.color(3).blue, 255);
  SegmentOptions options;
  options.confidence = true;
  Mask mask;
  const Status status = segmenter.segment(frame.view(), mask, options);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(mask.width, ColorFrame::kWidth);
  ASSERT_EQ(mask.height, ColorFrame::kHeight);
  ASSERT_EQ(mask.confidence.size(), mask.classes.size());
  int compared = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (ColorFrame::is_at_border(x, y)) continue;
      const std::size_t place = static_cast<std::size_t>(y) * mask.width + x;
      EXPECT_EQ(mask.classes[place], ColorFrame::class_at(x, y)) << x << " " << y;
      EXPECT_GT(mask.confidence[place], 0.5F);
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(Segmenter, PassesItsSelfTest) {
  Segmenter segmenter = load();
  const Result<SelfTest> result = segmenter.session().self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
}

TEST(Segmenter, RefusesFramesThatAreNone) {
  Mask mask;
  EXPECT_EQ(load().segment(ImageView(), mask).code(), StatusCode::invalid_argument);
  EXPECT_EQ(Segmenter::load("/no/such.pte").status().code(), StatusCode::invalid_argument);
}

TEST(Segmenter, RefusesADetectorByItsTask) {
  const Status status = Segmenter::load(data_path(testing::kDetect)).status();
  EXPECT_EQ(status.message(),
            "[Segmenter.create] expected an artifact of the task segment, got one of the task "
            "detect; use Detector");
}

TEST(Segmenter, TheDefaultColorsAreThoseOfPascalVoc) {
  const int expected[][4] = {{0, 0, 0, 0}, {1, 128, 0, 0}, {15, 192, 128, 128}, {20, 0, 64, 128}};
  for (const auto& [index, red, green, blue] : expected) {
    const Color color = default_color(index);
    EXPECT_EQ(color.red, red) << index;
    EXPECT_EQ(color.green, green) << index;
    EXPECT_EQ(color.blue, blue) << index;
  }
}

}  // namespace
}  // namespace hvit_edge
