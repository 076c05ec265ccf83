#include "tasks/box_finder.h"

#include <algorithm>

namespace hvit_edge {
namespace {

// If few boxes overlap a better one, the best candidates give all objects. If not, the next attempt
// takes more of them.
constexpr std::size_t kFewest = 256;
constexpr std::size_t kForEach = 2;
constexpr std::size_t kGrowth = 8;

}  // namespace

// Makes room for the most that a frame can need, so that no later one allocates.
void BoxFinder::reserve(const DetectLimits& limits) {
  const std::size_t anchors = spec_.anchors.size();
  if (!best_) best_.emplace(anchors, classes_);
  compared_.resize(static_cast<std::size_t>(classes_));
  const std::size_t compared = std::min(anchors, static_cast<std::size_t>(limits.candidates));
  kept_.reserve(classes_, compared * static_cast<std::size_t>(classes_ - 1));
}

// Goes through the best candidates of all classes, the best first. Returns true if these are all
// objects that are asked for.
bool BoxFinder::choose(const float* offsets, const DetectLimits& limits, const Placement& placement,
                       std::vector<Detection>& found) {
  found.clear();
  kept_.clear();
  std::fill(compared_.begin(), compared_.end(), 0);
  for (const Candidate& candidate : best_->found()) {
    const std::size_t index = candidate.place / spec_.anchors.size();
    const std::size_t anchor = candidate.place % spec_.anchors.size();
    if (compared_[index] == limits.candidates) continue;
    ++compared_[index];
    const Box box = decode_box(spec_.anchors[anchor], offsets + 4 * anchor, spec_.variances);
    if (!kept_.add(static_cast<int>(index), box, limits.iou_threshold)) continue;
    Detection detection;
    detection.index = static_cast<int>(index);
    detection.score = candidate.score;
    if (!place_box(box, placement, detection)) continue;
    found.push_back(detection);
    if (found.size() == static_cast<std::size_t>(limits.max_detections)) return true;
  }
  return false;
}

void BoxFinder::run(const float* logits, const float* offsets, const DetectLimits& limits,
                    const Placement& placement, std::vector<Detection>& found) {
  reserve(limits);
  const std::size_t all = best_->all();
  const auto wanted = static_cast<std::size_t>(limits.max_detections);
  std::size_t most = std::max(kFewest, kForEach * std::min(all, wanted));
  for (;; most = kGrowth * std::min(all, most)) {
    const bool complete = best_->find(logits, limits.score_threshold, most);
    if (choose(offsets, limits, placement, found) || complete) return;
  }
}

}  // namespace hvit_edge
