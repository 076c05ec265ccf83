// Boxes of a frame whose objects are known; tests/runtime compares boxes with float64.
#include <gtest/gtest.h>

#include <limits>

#include "artifact.h"
#include "color_frame.h"
#include "hvit_edge/detector.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::data_path;

Detector load() {
  Result<Detector> detector = Detector::load(data_path(testing::kDetect));
  EXPECT_TRUE(detector.ok()) << detector.status().message();
  return std::move(detector).value();
}

TEST(Detector, FindsTheObjectsOfAFrame) {
  const ColorFrame frame;
  Detector detector = load();
  EXPECT_EQ(detector.num_classes(), 3);
  std::vector<Detection> found(7);
  const Status status = detector.detect(frame.view(), found);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_FALSE(found.empty());
  for (const Detection& one : found) {
    EXPECT_TRUE(one.index == 1 || one.index == 3) << one.index;
    EXPECT_EQ(detector.label(one.index), one.index == 1 ? "red" : "blue");
    EXPECT_GE(one.x, 0);
    EXPECT_GE(one.y, 0);
    EXPECT_LE(one.x + one.width, ColorFrame::kWidth + 1e-3F);
    EXPECT_LE(one.y + one.height, ColorFrame::kHeight + 1e-3F);
  }
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LE(found[i].score, found[i - 1].score);
}

TEST(Detector, TakesLimitsOfTheCaller) {
  const ColorFrame frame;
  Detector detector = load();
  std::vector<Detection> found;
  DetectOptions options;
  options.max_detections = 1;
  ASSERT_TRUE(detector.detect(frame.view(), found, options).ok());
  EXPECT_EQ(found.size(), 1U);
  options.score_threshold = 1;
  ASSERT_TRUE(detector.detect(frame.view(), found, options).ok());
  EXPECT_TRUE(found.empty());
}

TEST(Detector, RefusesLimitsThatAreNone) {
  const ColorFrame frame;
  Detector detector = load();
  std::vector<Detection> found;
  const auto message = [&](const DetectOptions& options) {
    const Status status = detector.detect(frame.view(), found, options);
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    return status.message();
  };
  DetectOptions options;
  options.iou_threshold = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message(options),
            "[Detector.detect] expected iou_threshold of 0 to 1, got nan; leave it out to use the "
            "artifact's");
  options = DetectOptions();
  options.candidates = 0;
  EXPECT_EQ(message(options),
            "[Detector.detect] expected candidates of at least 1, got 0; leave it out to use the "
            "artifact's");
  EXPECT_EQ(detector.detect(ImageView(), found).code(), StatusCode::invalid_argument);
}

TEST(Detector, PassesItsSelfTest) {
  Detector detector = load();
  const Result<SelfTest> result = detector.session().self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
}

}  // namespace
}  // namespace hvit_edge
