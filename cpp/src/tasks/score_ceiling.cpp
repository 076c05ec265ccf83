#include "tasks/score_ceiling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hvit_edge {
namespace {

constexpr int kLanes = 8;  // independent of one another, so that compilers use vectors
constexpr float kRounding = 1.00002F;
constexpr float kSmallest = std::numeric_limits<float>::min();  // below it, rounding is coarse

float largest_of(const float* numbers, int count) {
  float largest[kLanes];
  std::fill(largest, largest + kLanes, numbers[0]);
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      largest[lane] = std::max(largest[lane], numbers[i + lane]);
    }
  }
  for (; i < count; ++i) largest[0] = std::max(largest[0], numbers[i]);
  return *std::max_element(largest, largest + kLanes);
}

// Returns at most exp(x), for x of at most 0.
float exp_floor(float x) {
  float power = std::max(1 + x / 32, 0.0F);
  for (int doubled = 1; doubled < 32; doubled *= 2) power *= power;
  return power;
}

// Returns at most the sum of exp(number - largest).
float sum_floor(const float* numbers, int count, float largest) {
  float sums[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += exp_floor(numbers[i + lane] - largest);
  }
  for (; i < count; ++i) sums[0] += exp_floor(numbers[i] - largest);
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

}  // namespace

float score_ceiling(const float* logits, int classes) {
  const float object = largest_of(logits + 1, classes - 1);
  const float largest = std::max(object, logits[0]);
  return kRounding * std::exp(object - largest) / sum_floor(logits, classes, largest) + kSmallest;
}

}  // namespace hvit_edge
