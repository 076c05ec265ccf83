// Mask: the class of each pixel of a frame, and its forms for files and drawing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// The classes of the pixels of a frame. The memory is reused if a Mask is passed again.
struct Mask {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> classes;  ///< height x width, row by row
  std::vector<float> confidence;  ///< the same for softmax probabilities; empty unless asked for
};

/// A corner of pixels: (0, 0) is the upper left corner of the first pixel.
struct MaskPoint {
  int x = 0;
  int y = 0;
};

/// A closed line along the edges of pixels. The line from the last point to the first is part of
/// it.
using Ring = std::vector<MaskPoint>;

/// Returns the pixels of a class as the field `counts` of COCO's compressed run-length encoding,
/// which pycocotools reads; `size` is [height, width]. Refuses masks whose sizes disagree.
Result<std::string> run_length(const Mask& mask, int index);

/// Returns the borders of a class: clockwise around its regions (in which y points down), and
/// counterclockwise around holes. Pixels that only touch at a corner belong to different regions.
/// Filled with the even-odd rule, the rings cover exactly the pixels of the class.
Result<std::vector<Ring>> polygons(const Mask& mask, int index);

}  // namespace hvit_edge
