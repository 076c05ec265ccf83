#include "tasks/decode_boxes.h"

#include <algorithm>
#include <cmath>

namespace hvit_edge {
namespace {

struct Side {
  double start;
  double end;
};

// Places the side of a box, in parts of the input, on the frame's axis and clips it.
Side clipped(double start, double end, const AxisPlace& axis) {
  const double one = axis.to_frame(start * axis.crop.count);
  const double other = axis.to_frame(end * axis.crop.count);
  const double last = axis.crop.source;
  return {std::clamp(std::min(one, other), 0.0, last), std::clamp(std::max(one, other), 0.0, last)};
}

double area(const Box& box) { return (box.right - box.left) * (box.bottom - box.top); }

}  // namespace

Box decode_box(const Anchor& anchor, const float* offset, const std::array<double, 2>& variances) {
  const double x = anchor.center_x + offset[0] * variances[0] * anchor.width;
  const double y = anchor.center_y + offset[1] * variances[0] * anchor.height;
  const double half_width = anchor.width * std::exp(offset[2] * variances[1]) / 2;
  const double half_height = anchor.height * std::exp(offset[3] * variances[1]) / 2;
  return {x - half_width, y - half_height, x + half_width, y + half_height};
}

double overlap(const Box& one, const Box& other) {
  const double width = std::min(one.right, other.right) - std::max(one.left, other.left);
  const double height = std::min(one.bottom, other.bottom) - std::max(one.top, other.top);
  if (!(width > 0 && height > 0)) return 0;  // most pairs
  const double common = width * height;
  return common / (area(one) + area(other) - common);
}

bool place_box(const Box& box, const Placement& placement, Detection& detection) {
  const bool swapped = placement.swapped;
  const Side columns = swapped ? clipped(box.top, box.bottom, placement.columns)
                               : clipped(box.left, box.right, placement.columns);
  const Side rows = swapped ? clipped(box.left, box.right, placement.rows)
                            : clipped(box.top, box.bottom, placement.rows);
  if (!(columns.end > columns.start && rows.end > rows.start)) return false;
  detection.x = static_cast<float>(columns.start);
  detection.y = static_cast<float>(rows.start);
  detection.width = static_cast<float>(columns.end - columns.start);
  detection.height = static_cast<float>(rows.end - rows.start);
  return true;
}

}  // namespace hvit_edge
