// The best scores of a detector, compared with all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "task_samples.h"
#include "tasks/best_candidates.h"
#include "tasks/score_ceiling.h"

namespace hvit_edge {
namespace {

using testing::random_floats;

// Returns the largest probability of the classes from 1 on; in float32, it may be 0.
float best_of(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  const double object = *std::max_element(logits.begin() + 1, logits.end());
  return static_cast<float>(std::exp(object - largest) / sum);
}

float ceiling_of(const std::vector<float>& logits) {
  return score_ceiling(logits.data(), static_cast<int>(logits.size()));
}

TEST(ScoreCeiling, IsAtLeastTheBestScoreAndCloseToIt) {
  for (const int classes : {2, 3, 8, 9, 10, 21, 81}) {
    for (unsigned seed = 0; seed < 50; ++seed) {
      const std::vector<float> logits = random_floats(static_cast<std::size_t>(classes), seed);
      for (const float scale : {0.0F, 1e-3F, 1.0F, 10.0F, 1e2F, 1e30F}) {
        std::vector<float> scaled = logits;
        for (float& logit : scaled) logit *= scale;
        EXPECT_GE(ceiling_of(scaled), best_of(scaled)) << classes << " " << scale;
        if (scale > 1) continue;
        EXPECT_LE(ceiling_of(scaled), 1.5F * best_of(scaled)) << classes << " " << scale;
      }
    }
  }
}

TEST(ScoreCeiling, IsExactForEqualLogitsAndForABackground) {
  EXPECT_NEAR(ceiling_of(std::vector<float>(81, 0.25F)), 1.0 / 81, 1e-6);
  EXPECT_NEAR(ceiling_of({50, 0, 1, -3}), std::exp(-49), 1e-4 * std::exp(-49));
  EXPECT_NEAR(ceiling_of({0, 40, 0, 0}), 1, 1e-4);
}

TEST(ScoreCeiling, IsRightForTheLargestNumbers) {
  const float huge = 3e38F;
  EXPECT_GE(ceiling_of(std::vector<float>(81, huge)), 1.0 / 81);
  EXPECT_GE(ceiling_of(std::vector<float>(81, -huge)), 1.0 / 81);
  EXPECT_GE(ceiling_of({0, huge, -huge, huge}), 0.5);
  EXPECT_LT(ceiling_of({huge, -huge, -huge}), 1e-37F);
}

TEST(BestCandidates, AreThoseOfASortOfAll) {
  constexpr int kClasses = 5;
  constexpr std::size_t kAnchors = 400;
  std::vector<float> logits = random_floats(kAnchors * kClasses, 7);
  for (float& logit : logits) logit = std::round(logit * 2) / 2;  // many equal scores
  BestCandidates best(kAnchors, kClasses);
  ASSERT_EQ(best.all(), kAnchors * (kClasses - 1));
  EXPECT_TRUE(best.find(logits.data(), 0.05, best.all()));
  const std::vector<Candidate> all = best.found();
  ASSERT_GT(all.size(), 500U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (const std::size_t most : {1, 10, 300}) {
    EXPECT_FALSE(best.find(logits.data(), 0.05, most));
    ASSERT_EQ(best.found().size(), most);
    for (std::size_t i = 0; i < most; ++i) EXPECT_EQ(best.found()[i].place, all[i].place) << i;
  }
  EXPECT_TRUE(best.find(logits.data(), 0.05, all.size()));
  EXPECT_EQ(best.found().size(), all.size());
}

TEST(BestCandidates, AScoreMustBeAboveTheThreshold) {
  const std::vector<float> logits = {0, 0};
  BestCandidates best(1, 2);
  EXPECT_TRUE(best.find(logits.data(), 0.5, 1));
  EXPECT_TRUE(best.found().empty());
  EXPECT_TRUE(best.find(logits.data(), 0.4999, 1));
  ASSERT_EQ(best.found().size(), 1U);
  EXPECT_EQ(best.found()[0].score, 0.5F);
}

}  // namespace
}  // namespace hvit_edge
