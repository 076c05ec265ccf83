// Boxes of equal scores, and what is not found. tests/runtime compares boxes with float64.
#include <gtest/gtest.h>

#include <algorithm>

#include "task_samples.h"
#include "tasks/box_finder.h"
#include "tasks/non_max_suppression.h"

namespace hvit_edge {
namespace {

using testing::cells_of;
using testing::placement_of;

constexpr float kPixels = 0.01F;

TEST(BoxFinder, ThousandsOfEqualScoresAreInTheOrderOfClassesAndAnchors) {
  const int anchors = 60 * 60;
  const DetectSpec spec = cells_of(60, 60);
  const std::vector<float> logits(static_cast<std::size_t>(anchors) * 3, 0.0F);
  const std::vector<float> offsets(static_cast<std::size_t>(anchors) * 4, 0.0F);
  std::vector<Detection> found;
  BoxFinder finder(spec, 3);
  finder.run(logits.data(), offsets.data(), {0.1, 0.5, anchors, 2 * anchors},
             placement_of(600, 600), found);
  ASSERT_EQ(found.size(), static_cast<std::size_t>(2 * anchors));
  for (int i = 0; i < 2 * anchors; ++i) {
    const Detection& one = found[static_cast<std::size_t>(i)];
    EXPECT_EQ(one.index, 1 + i / anchors);
    EXPECT_NEAR(one.x, 10 * (i % 60), kPixels);
    EXPECT_NEAR(one.y, 10 * (i % anchors / 60), kPixels);
    EXPECT_FLOAT_EQ(one.score, 1.0F / 3);
  }
  finder.run(logits.data(), offsets.data(), {0.1, 0.5, 7, 10}, placement_of(600, 600), found);
  ASSERT_EQ(found.size(), 10U);
  EXPECT_NEAR(found[6].x, 60, kPixels);
  EXPECT_EQ(found[7].index, 2);
}

TEST(BoxFinder, EqualBoxesOfAClassAreOne) {
  DetectSpec spec = cells_of(1, 1);
  spec.anchors.assign(3000, spec.anchors[0]);
  const std::vector<float> logits(3000 * 2, 0.0F);
  const std::vector<float> offsets(3000 * 4, 0.0F);
  std::vector<Detection> found;
  BoxFinder(spec, 2).run(logits.data(), offsets.data(), {0.1, 0.5, 3000, 10}, placement_of(40, 30),
                         found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FLOAT_EQ(found[0].width, 40);
  EXPECT_FLOAT_EQ(found[0].height, 30);
}

TEST(BoxFinder, AScoreMustBeAboveTheThreshold) {
  const DetectSpec spec = cells_of(1, 1);
  const std::vector<float> logits = {0, 0};
  const std::vector<float> offsets(4, 0.0F);
  std::vector<Detection> found(3);
  BoxFinder finder(spec, 2);
  finder.run(logits.data(), offsets.data(), {0.5, 0.5, 1, 1}, placement_of(4, 4), found);
  EXPECT_TRUE(found.empty());
  finder.run(logits.data(), offsets.data(), {0.4999, 0.5, 1, 1}, placement_of(4, 4), found);
  EXPECT_EQ(found.size(), 1U);
}

TEST(BoxFinder, LeavesOutBoxesOutsideOfTheFrameAndClipsOthers) {
  const DetectSpec spec = cells_of(1, 1);
  const std::vector<float> logits = {0, 5};
  std::vector<Detection> found;
  BoxFinder finder(spec, 2);
  const std::vector<float> outside = {20, 0, 0, 0};  // a center of 0.5 + 20 * 0.1
  finder.run(logits.data(), outside.data(), {0.1, 0.5, 1, 1}, placement_of(40, 30), found);
  EXPECT_TRUE(found.empty());
  const std::vector<float> half = {5, 0, 0, 0};
  finder.run(logits.data(), half.data(), {0.1, 0.5, 1, 1}, placement_of(40, 30), found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].x, 20, kPixels);
  EXPECT_NEAR(found[0].width, 20, kPixels);
  const std::vector<float> huge = {0, 0, 3e38F, 3e38F};
  finder.run(logits.data(), huge.data(), {0.1, 0.5, 1, 1}, placement_of(40, 30), found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FLOAT_EQ(found[0].width, 40);
}

TEST(NonMaxSuppression, ComparesOnlyWithBoxesThatAreKept) {
  // Each overlaps the next one by a third.
  const std::vector<Box> boxes = {{0, 0, 2, 1}, {1, 0, 3, 1}, {2, 0, 4, 1}};
  std::vector<int> kept;
  non_max_suppression(boxes, 0.3, kept);
  EXPECT_EQ(kept, (std::vector<int>{0, 2}));
  non_max_suppression(boxes, 0.34, kept);
  EXPECT_EQ(kept, (std::vector<int>{0, 1, 2}));
  non_max_suppression({}, 0.5, kept);
  EXPECT_TRUE(kept.empty());
}

TEST(NonMaxSuppression, BoxesWithoutAnAreaOverlapNothing) {
  std::vector<int> kept;
  non_max_suppression({{1, 1, 1, 1}, {1, 1, 1, 1}}, 0, kept);
  EXPECT_EQ(kept.size(), 2U);
}

}  // namespace
}  // namespace hvit_edge
