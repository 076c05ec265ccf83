#include "tasks/best_candidates.h"

#include <algorithm>
#include <cmath>

#include "tasks/score_ceiling.h"

namespace hvit_edge {

BestCandidates::BestCandidates(std::size_t anchors, int classes)
    : anchors_(anchors), classes_(classes), shares_(static_cast<std::size_t>(classes)) {
  bounds_.reserve(anchors_);
  found_.reserve(all());
}

bool BestCandidates::find(const float* logits, double threshold, std::size_t most) {
  found_.clear();
  least_ = 0;
  bool complete = true;
  bound(logits, threshold);
  while (!bounds_.empty() && bounds_.front().score >= least_) {
    const std::size_t anchor = bounds_.front().anchor;
    std::pop_heap(bounds_.begin(), bounds_.end());
    bounds_.pop_back();
    add(logits + anchor * shares_.size(), anchor, threshold);
    if (found_.size() < 2 * most) continue;
    drop_all_but(most);
    complete = false;
  }
  if (found_.size() > most) {
    drop_all_but(most);
    complete = false;
  }
  std::sort(found_.begin(), found_.end());
  return complete;
}

// Bounds the scores of each anchor, and leaves out those below the threshold.
void BestCandidates::bound(const float* logits, double threshold) {
  bounds_.clear();
  for (std::size_t anchor = 0; anchor < anchors_; ++anchor, logits += classes_) {
    const float score = score_ceiling(logits, classes_);
    if (score >= threshold) bounds_.push_back({score, static_cast<std::uint32_t>(anchor)});
  }
  std::make_heap(bounds_.begin(), bounds_.end());
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
