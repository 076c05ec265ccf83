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

// Returns the logarithm of the largest probability of the classes from 1 on.
double log_of_best(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return *std::max_element(logits.begin() + 1, logits.end()) - largest - std::log(sum);
}

double ceiling_of(const std::vector<float>& logits) {
  return log_score_ceiling(logits.data(), static_cast<int>(logits.size()));
}

TEST(LogScoreCeiling, IsAtLeastTheBestScore) {
  for (const int classes : {2, 3, 8, 9, 10, 21, 81}) {
    for (unsigned seed = 0; seed < 50; ++seed) {
      std::vector<float> logits = random_floats(static_cast<std::size_t>(classes), seed);
      for (const float scale : {0.0F, 1e-3F, 1.0F, 1e2F, 1e30F}) {
        std::vector<float> scaled = logits;
        for (float& logit : scaled) logit *= scale;
        EXPECT_GE(ceiling_of(scaled), log_of_best(scaled)) << classes << " " << scale;
      }
    }
  }
}

TEST(LogScoreCeiling, IsCloseForEqualLogitsAndForABackground) {
  EXPECT_NEAR(ceiling_of(std::vector<float>(81, 0.25F)), -std::log(81), 1e-5);
  EXPECT_NEAR(ceiling_of({12, 2, 0, -3}), -10, 1e-5);
  EXPECT_NEAR(ceiling_of({0, 40, 0, 0}), 0, 1e-5);
}

TEST(LogScoreCeiling, IsRightForTheLargestNumbers) {
  const float huge = 3e38F;
  EXPECT_GE(ceiling_of(std::vector<float>(81, huge)), -std::log(81));
  EXPECT_GE(ceiling_of(std::vector<float>(81, -huge)), -std::log(81));
  EXPECT_GE(ceiling_of({0, huge, -huge, huge}), -std::log(2));
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
