// Maps positions between a camera frame, as it is stored, and the input of a network.
#pragma once

#include "image/resample.h"

namespace hvit_edge {

/// A stored axis of a frame. Positions are in pixels from its first edge: 0.5 is the center of the
/// first pixel.
struct AxisPlace {
  AxisCrop crop;

  /// Returns the position in the input of a position in the frame. It may be outside of the input.
  double to_input(double stored) const {
    const double upright = crop.reversed ? crop.source - stored : stored;
    return upright * crop.resized / crop.source - crop.first;
  }

  /// Returns the position in the frame of a position in the input.
  double to_frame(double input) const {
    const double upright = (input + crop.first) * crop.source / crop.resized;
    return crop.reversed ? crop.source - upright : upright;
  }

  bool operator==(const AxisPlace& other) const { return crop == other.crop; }
};

/// Where a frame is in the input.
struct Placement {
  AxisPlace columns;           ///< of the stored columns
  AxisPlace rows;              ///< of the stored rows
  bool swapped = false;        ///< the stored columns become the rows of the input
  bool columns_first = false;  ///< the stored columns are resized before the stored rows
};

/// Returns the placement of a frame that validate() has accepted. Refuses frames that are so
/// elongated that their resized side overflows.
Result<Placement> place(const PreprocessSpec& spec, const ImageView& image);

}  // namespace hvit_edge
