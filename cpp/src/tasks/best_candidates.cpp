#include "tasks/best_candidates.h"

#include <algorithm>
#include <cmath>

#include "tasks/score_ceiling.h"

namespace hvit_edge {
namespace {

double log_of(double score) { return score > 0 ? std::log(score) : -HUGE_VAL; }

}  // namespace

BestCandidates::BestCandidates(std::size_t anchors, int classes)
    : anchors_(anchors), classes_(classes), shares_(static_cast<std::size_t>(classes)) {
  found_.reserve(all());
}

bool BestCandidates::find(const float* logits, double threshold, std::size_t most) {
  found_.clear();
  least_ = 0;
  bool complete = true;
  double limit = log_of(threshold);
  for (std::size_t anchor = 0; anchor < anchors_; ++anchor, logits += classes_) {
    if (log_score_ceiling(logits, classes_) < limit) continue;
    add(logits, anchor, threshold);
    if (found_.size() < 2 * most) continue;
    drop_all_but(most);
    complete = false;
    limit = log_of(std::max(threshold, static_cast<double>(least_)));
  }
  if (found_.size() > most) {
    drop_all_but(most);
    complete = false;
  }
  std::sort(found_.begin(), found_.end());
  return complete;
}

// Adds the classes of an anchor whose softmax probability is above the threshold.
void BestCandidates::add(const float* logits, std::size_t anchor, double threshold) {
  const float largest = *std::max_element(logits, logits + classes_);
  double sum = 0;
  for (int c = 0; c < classes_; ++c) {
    const auto index = static_cast<std::size_t>(c);
    shares_[index] = std::exp(logits[c] - largest);
    sum += shares_[index];
  }
  const auto scale = static_cast<float>(1 / sum);
  for (std::size_t index = 1; index < shares_.size(); ++index) {
    const float score = shares_[index] * scale;
    if (!(score > threshold && score >= least_)) continue;
    found_.push_back({score, static_cast<std::uint32_t>(index * anchors_ + anchor)});
  }
}

void BestCandidates::drop_all_but(std::size_t most) {
  const auto last = found_.begin() + static_cast<std::ptrdiff_t>(most - 1);
  std::nth_element(found_.begin(), last, found_.end());
  least_ = last->score;
  found_.resize(most);
}

}  // namespace hvit_edge
