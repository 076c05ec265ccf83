#include "tasks/non_max_suppression.h"

#include <algorithm>

namespace hvit_edge {

void non_max_suppression(const std::vector<Box>& boxes, double iou_threshold,
                         std::vector<int>& kept) {
  kept.clear();
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const bool dropped = std::any_of(kept.begin(), kept.end(), [&](int better) {
      return overlap(boxes[static_cast<std::size_t>(better)], boxes[i]) > iou_threshold;
    });
    if (!dropped) kept.push_back(static_cast<int>(i));
  }
}

}  // namespace hvit_edge
