#include "tasks/score_ceiling.h"

#include <algorithm>
#include <cmath>

namespace hvit_edge {
namespace {

constexpr int kLanes = 8;  // independent of one another, so that compilers use vectors
// The scores are float32, and the sum below is rounded.
constexpr double kRoundingOfScores = 1e-6;
constexpr double kRoundingOfSums = 1e-12;

struct Facts {
  float largest = 0;
  double sum = 0;
};

Facts facts_of(const float* numbers, int count) {
  float largest[kLanes];
  double sums[kLanes] = {};
  std::fill(largest, largest + kLanes, numbers[0]);
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float number = numbers[i + lane];
      largest[lane] = number > largest[lane] ? number : largest[lane];
      sums[lane] += static_cast<double>(number);
    }
  }
  for (; i < count; ++i) {
    largest[0] = std::max(largest[0], numbers[i]);
    sums[0] += static_cast<double>(numbers[i]);
  }
  Facts facts = {largest[0], sums[0]};
  for (int lane = 1; lane < kLanes; ++lane) {
    facts.largest = std::max(facts.largest, largest[lane]);
    facts.sum += sums[lane];
  }
  return facts;
}

}  // namespace

double log_score_ceiling(const float* logits, int classes) {
  const Facts objects = facts_of(logits + 1, classes - 1);
  const double object = objects.largest;
  const double background = logits[0];
  const double mean = (objects.sum + background) / classes;
  const double rounding = kRoundingOfScores + kRoundingOfSums * (std::abs(object) + std::abs(mean));
  return std::min({0.0, object - background, object - mean - std::log(classes)}) + rounding;
}

}  // namespace hvit_edge
