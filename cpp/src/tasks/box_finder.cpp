#include "tasks/box_finder.h"

#include <algorithm>
#include <cmath>

#include "tasks/non_max_suppression.h"

namespace hvit_edge {

// Makes room for the most that a frame can need, so that no later one allocates.
void BoxFinder::reserve(const DetectLimits& limits) {
  const std::size_t anchors = spec_.anchors.size();
  const std::size_t compared = std::min(anchors, static_cast<std::size_t>(limits.candidates));
  const std::size_t all = compared * static_cast<std::size_t>(classes_ - 1);
  anchors_.reserve(anchors);
  probabilities_.reserve(anchors * static_cast<std::size_t>(classes_));
  candidates_.reserve(anchors);
  boxes_.reserve(compared);
  kept_.reserve(compared);
  objects_.reserve(std::min(all, static_cast<std::size_t>(limits.max_detections) + compared));
}

// Collects the anchors that may have an object, and their softmax probabilities.
void BoxFinder::score(const float* logits, double threshold) {
  anchors_.clear();
  probabilities_.clear();
  // exp(logit - largest) is at least the probability; a little is left for its rounding.
  const double least = threshold > 0 ? std::log(threshold) - 1e-6 : -HUGE_VAL;
  for (std::size_t anchor = 0; anchor < spec_.anchors.size(); ++anchor, logits += classes_) {
    const float object = *std::max_element(logits + 1, logits + classes_);
    const float largest = std::max(object, logits[0]);
    if (object - largest < least) continue;
    anchors_.push_back(static_cast<int>(anchor));
    double sum = 0;
    for (int c = 0; c < classes_; ++c) {
      const float share = std::exp(logits[c] - largest);
      probabilities_.push_back(share);
      sum += share;
    }
    const auto scale = static_cast<float>(1 / sum);
    for (auto share = probabilities_.end() - classes_; share != probabilities_.end(); ++share) {
      *share *= scale;
    }
  }
}

// Sorts the best candidates of a class; of equal ones the earlier anchor is first.
void BoxFinder::choose(int index, double threshold, int most) {
  candidates_.clear();
  const float* scores = probabilities_.data() + index;
  for (std::size_t i = 0; i < anchors_.size(); ++i, scores += classes_) {
    if (*scores > threshold) candidates_.push_back({*scores, anchors_[i]});
  }
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.anchor < b.anchor;
  };
  const auto count = static_cast<std::size_t>(most);
  if (candidates_.size() > count) {
    const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(candidates_.begin(), last, candidates_.end(), better);
    candidates_.resize(count);
  }
  std::sort(candidates_.begin(), candidates_.end(), better);
}

void BoxFinder::suppress(int index, const float* offsets, const DetectLimits& limits,
                         const Placement& placement) {
  boxes_.clear();
  for (const Candidate& candidate : candidates_) {
    boxes_.push_back(decode_box(spec_.anchors[static_cast<std::size_t>(candidate.anchor)],
                                offsets + 4 * static_cast<std::size_t>(candidate.anchor),
                                spec_.variances));
  }
  non_max_suppression(boxes_, limits.iou_threshold, kept_);
  for (const int i : kept_) {
    const Candidate& candidate = candidates_[static_cast<std::size_t>(i)];
    Object object;
    object.detection.index = index;
    object.detection.score = candidate.score;
    object.anchor = candidate.anchor;
    if (place_box(boxes_[static_cast<std::size_t>(i)], placement, object.detection)) {
      objects_.push_back(object);
    }
  }
}

// Sorts the objects so far, and drops all but the best.
void BoxFinder::keep_best(int count) {
  std::sort(objects_.begin(), objects_.end(), [](const Object& a, const Object& b) {
    if (a.detection.score != b.detection.score) return a.detection.score > b.detection.score;
    return a.detection.index != b.detection.index ? a.detection.index < b.detection.index
                                                  : a.anchor < b.anchor;
  });
  objects_.resize(std::min(objects_.size(), static_cast<std::size_t>(count)));
}

void BoxFinder::run(const float* logits, const float* offsets, const DetectLimits& limits,
                    const Placement& placement, std::vector<Detection>& found) {
  reserve(limits);
  objects_.clear();
  score(logits, limits.score_threshold);
  const auto most = static_cast<std::size_t>(limits.max_detections);
  double threshold = limits.score_threshold;
  for (int index = 1; index < classes_; ++index) {
    choose(index, threshold, limits.candidates);
    if (candidates_.empty()) continue;
    suppress(index, offsets, limits, placement);
    if (objects_.size() < most) continue;
    // What is not better than all of these is not returned, and drops nothing that is better.
    keep_best(limits.max_detections);
    threshold = objects_.back().detection.score;
  }
  keep_best(limits.max_detections);
  found.clear();
  for (const Object& object : objects_) found.push_back(object.detection);
}

}  // namespace hvit_edge
