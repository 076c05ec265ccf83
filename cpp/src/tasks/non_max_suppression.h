// Drops boxes that overlap a better one.
#pragma once

#include <cstddef>
#include <vector>

#include "tasks/decode_boxes.h"

namespace hvit_edge {

/// Makes `kept` the indices of the boxes that no kept better one overlaps by more than
/// `iou_threshold`, in rising order. The boxes are sorted, the best first. The time grows with the
/// square of their number at most.
void non_max_suppression(const std::vector<Box>& boxes, double iou_threshold,
                         std::vector<int>& kept);

}  // namespace hvit_edge
