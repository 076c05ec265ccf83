// Decodes the offsets of a detector's anchors, and places boxes in a frame.
#pragma once

#include "hvit_edge/detector.h"
#include "hvit_edge/metadata.h"
#include "image/placement.h"

namespace hvit_edge {

/// A box by its corners.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// Returns the box of an anchor, in parts of the input. `offset` has four numbers: the center moves
/// by offset x variance x size of the anchor, and the size is multiplied by exp(offset x variance).
Box decode_box(const Anchor& anchor, const float* offset, const std::array<double, 2>& variances);

/// Returns the area that two boxes share, divided by the area that they cover; 0 if they cover
/// none.
double overlap(const Box& one, const Box& other);

/// Writes a box of the input as the sides of a detection, clipped to the frame. Returns false if
/// nothing of it is in the frame.
bool place_box(const Box& box, const Placement& placement, Detection& detection);

}  // namespace hvit_edge
