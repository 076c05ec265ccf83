// Drops boxes that overlap a better one of their class.
#pragma once

#include <cstddef>
#include <vector>

#include "tasks/decode_boxes.h"

namespace hvit_edge {

/// The boxes that are kept so far. The time for a box grows with those of its class.
class KeptBoxes {
 public:
  /// Makes room for `most` boxes, so that none allocates.
  void reserve(int classes, std::size_t most);
  void clear();

  /// Keeps a box, unless a kept one of its class overlaps it by more than `iou_threshold`. Returns
  /// true if it is kept. Boxes are added in the order of their scores, the best first.
  bool add(int index, const Box& box, double iou_threshold);

 private:
  struct Kept {
    Box box;
    int before;  // the one of this class that was kept before, or kNone
  };
  static constexpr int kNone = -1;

  std::vector<Kept> kept_;
  std::vector<int> last_;  // of each class
};

}  // namespace hvit_edge
