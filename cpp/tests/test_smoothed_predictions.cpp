#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "stream/smoothed_predictions.h"

namespace hvit_edge {
namespace {

using std::chrono::nanoseconds;

constexpr double kLn2 = 0.693147180559945309417;

nanoseconds seconds(double count) {
  return nanoseconds(static_cast<std::int64_t>(std::llround(count * 1e9)));
}

// Returns logits of two classes such that the first has the given probability.
std::vector<float> logits_of(double probability) {
  return {static_cast<float>(std::log(probability / (1 - probability))), 0.0F};
}

double first_class(SmoothedPredictions& smoothed) {
  std::vector<Prediction> predictions;
  smoothed.write(predictions);
  EXPECT_EQ(predictions.size(), 2U);
  EXPECT_NEAR(predictions[0].score + predictions[1].score, 1, 1e-6);
  EXPECT_GE(predictions[0].score, predictions[1].score);
  return predictions[0].index == 0 ? predictions[0].score : predictions[1].score;
}

// Float32 logits and scores, and nanoseconds, allow 1e-6.
TEST(SmoothedPredictions, AverageIsThatByHand) {
  SmoothedPredictions smoothed({"a", "b"}, 2, 3.0);
  ASSERT_TRUE(smoothed.update(logits_of(0.5), seconds(100)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.5, 1e-6);
  // exp(-ln 2) = 1/2: halfway from 0.5 to 0.75.
  ASSERT_TRUE(smoothed.update(logits_of(0.75), seconds(100 + 3 * kLn2)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.625, 1e-6);
  // exp(-2 ln 2) = 1/4: three quarters of the way from 0.625 to 0.25.
  ASSERT_TRUE(smoothed.update(logits_of(0.25), seconds(100 + 9 * kLn2)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.34375, 1e-6);
}

TEST(SmoothedPredictions, ResetBeginsAnew) {
  SmoothedPredictions smoothed({"a", "b"}, 2, 1e9);
  ASSERT_TRUE(smoothed.update(logits_of(0.9), seconds(1)).ok());
  ASSERT_TRUE(smoothed.update(logits_of(0.2), seconds(2)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.9, 1e-6);
  smoothed.reset();
  ASSERT_TRUE(smoothed.update(logits_of(0.2), seconds(0)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.2, 1e-6);
}

TEST(SmoothedPredictions, ZeroSecondsLeaveFramesByThemselves) {
  SmoothedPredictions smoothed({"a", "b"}, 2, 0);
  for (const double probability : {0.9, 0.2, 0.6}) {
    ASSERT_TRUE(smoothed.update(logits_of(probability), seconds(1)).ok());
    EXPECT_NEAR(first_class(smoothed), probability, 1e-6);
  }
}

TEST(SmoothedPredictions, RefusedLogitsChangeNothing) {
  SmoothedPredictions smoothed({"a", "b"}, 2, 1.0);
  ASSERT_TRUE(smoothed.update(logits_of(0.5), seconds(0)).ok());
  const Status count = smoothed.update({1, 2, 3}, seconds(1));
  EXPECT_EQ(count.code(), StatusCode::execution_failed);
  EXPECT_NE(count.message().find("expected 2 logits, one a label, got 3"), std::string::npos);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Status finite = smoothed.update({0, nan}, seconds(2));
  EXPECT_NE(finite.message().find("expected finite logits, got nan for class 1"),
            std::string::npos);
  ASSERT_TRUE(smoothed.update(logits_of(0.75), seconds(kLn2)).ok());
  EXPECT_NEAR(first_class(smoothed), 0.625, 1e-6);
}

TEST(SmoothedPredictions, EqualScoresComeByIndex) {
  SmoothedPredictions smoothed({"a", "b", "c", "d"}, 3, 0);
  ASSERT_TRUE(smoothed.update({1, 2, 1, 2}, seconds(0)).ok());
  std::vector<Prediction> predictions;
  smoothed.write(predictions);
  ASSERT_EQ(predictions.size(), 3U);
  EXPECT_EQ(predictions[0].index, 1);
  EXPECT_EQ(predictions[1].index, 3);
  EXPECT_EQ(predictions[2].index, 0);
  EXPECT_EQ(predictions[1].label, "d");
}

}  // namespace
}  // namespace hvit_edge
