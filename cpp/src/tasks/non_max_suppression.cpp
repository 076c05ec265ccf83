#include "tasks/non_max_suppression.h"

#include <algorithm>

namespace hvit_edge {

void KeptBoxes::reserve(int classes, std::size_t most) {
  last_.resize(static_cast<std::size_t>(classes), kNone);
  kept_.reserve(most);
}

void KeptBoxes::clear() {
  kept_.clear();
  std::fill(last_.begin(), last_.end(), kNone);
}

bool KeptBoxes::add(int index, const Box& box, double iou_threshold) {
  int& last = last_[static_cast<std::size_t>(index)];
  for (int i = last; i != kNone;) {
    const Kept& better = kept_[static_cast<std::size_t>(i)];
    if (overlap(better.box, box) > iou_threshold) return false;
    i = better.before;
  }
  kept_.push_back({box, last});
  last = static_cast<int>(kept_.size()) - 1;
  return true;
}

}  // namespace hvit_edge
