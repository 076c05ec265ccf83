// Boxes of equal scores, and what is not found. tests/runtime compares boxes with float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

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

// Returns the positions that are kept of boxes of one class, the best first.
std::vector<int> kept_of(const std::vector<Box>& boxes, double iou_threshold) {
  KeptBoxes kept;
  kept.reserve(2, boxes.size());
  kept.clear();
  std::vector<int> positions;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (kept.add(1, boxes[i], iou_threshold)) positions.push_back(static_cast<int>(i));
  }
  return positions;
}

TEST(NonMaxSuppression, ComparesOnlyWithBoxesThatAreKept) {
  // Each overlaps the next one by a third.
  const std::vector<Box> boxes = {{0, 0, 2, 1}, {1, 0, 3, 1}, {2, 0, 4, 1}};
  EXPECT_EQ(kept_of(boxes, 0.3), (std::vector<int>{0, 2}));
  EXPECT_EQ(kept_of(boxes, 0.34), (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(kept_of({}, 0.5).empty());
}

TEST(NonMaxSuppression, BoxesWithoutAnAreaOverlapNothing) {
  EXPECT_EQ(kept_of({{1, 1, 1, 1}, {1, 1, 1, 1}}, 0).size(), 2U);
}

TEST(NonMaxSuppression, ComparesOnlyBoxesOfAClass) {
  KeptBoxes kept;
  kept.reserve(3, 3);
  kept.clear();
  EXPECT_TRUE(kept.add(1, {0, 0, 2, 1}, 0.5));
  EXPECT_TRUE(kept.add(2, {0, 0, 2, 1}, 0.5));
  EXPECT_FALSE(kept.add(1, {0, 0, 2, 1}, 0.5));
  kept.clear();
  EXPECT_TRUE(kept.add(1, {0, 0, 2, 1}, 0.5));
}

// A box of the reference below, in the order of the answer.
struct Answer {
  float score;
  int index;
  int anchor;
  Detection detection;
};

// Finds objects class by class, as DetectSpec says, with every score and every pair of boxes.
std::vector<Detection> found_class_by_class(const DetectSpec& spec, int classes,
                                            const std::vector<float>& logits,
                                            const std::vector<float>& offsets,
                                            const DetectLimits& limits,
                                            const Placement& placement) {
  const int anchors = static_cast<int>(spec.anchors.size());
  std::vector<Answer> answers;
  for (int index = 1; index < classes; ++index) {
    std::vector<std::pair<float, int>> order;
    for (int anchor = 0; anchor < anchors; ++anchor) {
      const float* row = logits.data() + static_cast<std::ptrdiff_t>(anchor) * classes;
      const float largest = *std::max_element(row, row + classes);
      double sum = 0;
      for (int c = 0; c < classes; ++c) sum += std::exp(row[c] - largest);
      const float score = std::exp(row[index] - largest) * static_cast<float>(1 / sum);
      if (score > limits.score_threshold) order.push_back({-score, anchor});
    }
    std::sort(order.begin(), order.end());
    order.resize(std::min(order.size(), static_cast<std::size_t>(limits.candidates)));
    std::vector<Box> kept;
    for (const auto& [negative, anchor] : order) {
      const auto place = static_cast<std::size_t>(anchor);
      const Box box = decode_box(spec.anchors[place], offsets.data() + 4 * place, spec.variances);
      const bool dropped = std::any_of(kept.begin(), kept.end(), [&](const Box& better) {
        return overlap(better, box) > limits.iou_threshold;
      });
      if (dropped) continue;
      kept.push_back(box);
      Answer answer = {-negative, index, anchor, {}};
      answer.detection.index = index;
      answer.detection.score = -negative;
      if (place_box(box, placement, answer.detection)) answers.push_back(answer);
    }
  }
  std::sort(answers.begin(), answers.end(), [](const Answer& one, const Answer& other) {
    return std::tuple(-one.score, one.index, one.anchor) <
           std::tuple(-other.score, other.index, other.anchor);
  });
  answers.resize(std::min(answers.size(), static_cast<std::size_t>(limits.max_detections)));
  std::vector<Detection> found;
  for (const Answer& answer : answers) found.push_back(answer.detection);
  return found;
}

void expect_same(const std::vector<Detection>& found, const std::vector<Detection>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(std::tie(found[i].index, found[i].score, found[i].x, found[i].y, found[i].width,
                       found[i].height),
              std::tie(wanted[i].index, wanted[i].score, wanted[i].x, wanted[i].y, wanted[i].width,
                       wanted[i].height))
        << i;
  }
}

TEST(BoxFinder, FindsTheSameAsClassByClass) {
  const DetectSpec spec = cells_of(30, 30);
  constexpr int kClasses = 12;
  const std::vector<float> offsets = testing::random_floats(900 * 4, 3);
  std::vector<float> wide = testing::random_floats(900 * kClasses, 2);
  std::vector<float> flat = wide;     // nearly equal scores
  std::vector<float> stepped = wide;  // many equal scores
  std::vector<float> large = wide;
  for (float& logit : flat) logit *= 1e-3F;
  for (float& logit : stepped) logit = std::round(logit);
  for (float& logit : large) logit = logit * 1e30F;
  BoxFinder finder(spec, kClasses);
  std::vector<Detection> found;
  for (const auto& logits : {wide, flat, stepped, large}) {
    for (const DetectLimits& limits : std::vector<DetectLimits>{{0.01, 0.5, 200, 200},
                                                                {0, 0.5, 200, 20},
                                                                {0, 0, 1000, 1000},
                                                                {0.1, 0.3, 7, 1000},
                                                                {0, 1, 1000, 3},
                                                                {0.5, 0.5, 1, 1}}) {
      finder.run(logits.data(), offsets.data(), limits, placement_of(640, 480), found);
      expect_same(found, found_class_by_class(spec, kClasses, logits, offsets, limits,
                                              placement_of(640, 480)));
    }
  }
}

// The boxes of all classes are equally good, and each is compared with all that are kept of its
// class: the time grows with `candidates` and not with the number of anchors.
TEST(BoxFinder, ComparesOnlyTheCandidatesOfAClass) {
  const DetectSpec spec = cells_of(150, 150);
  const std::vector<float> logits(150 * 150 * 5, 0.0F);
  std::vector<float> offsets(150 * 150 * 4, 0.0F);
  for (std::size_t i = 0; i < offsets.size(); i += 4) offsets[i] = 5000;  // outside of the frame
  std::vector<Detection> found;
  BoxFinder finder(spec, 5);
  finder.run(logits.data(), offsets.data(), {0, 0.5, 400, 200}, placement_of(300, 300), found);
  EXPECT_TRUE(found.empty());
  std::fill(offsets.end() - 4, offsets.end(), 0.0F);
  finder.run(logits.data(), offsets.data(), {0, 0.5, 400, 200}, placement_of(300, 300), found);
  EXPECT_TRUE(found.empty());  // the last anchor is no candidate
}

// Each attempt takes more candidates: all boxes of the best classes are the same one.
TEST(BoxFinder, GoesOnIfTheBestCandidatesOverlap) {
  DetectSpec spec = cells_of(1, 1);
  spec.anchors.assign(3000, spec.anchors[0]);
  constexpr int kClasses = 8;
  std::vector<float> logits;
  for (int anchor = 0; anchor < 3000; ++anchor) {
    for (int c = 0; c < kClasses; ++c) logits.push_back(static_cast<float>(-c));
  }
  const std::vector<float> offsets(3000 * 4, 0.0F);
  std::vector<Detection> found;
  BoxFinder finder(spec, kClasses);
  finder.run(logits.data(), offsets.data(), {0, 0.5, 3000, 200}, placement_of(40, 30), found);
  ASSERT_EQ(found.size(), 7U);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)].index, i + 1);
}

}  // namespace
}  // namespace hvit_edge
