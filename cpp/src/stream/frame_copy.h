// A copy of a frame in memory that is reused for the next frame.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/image.h"

namespace hvit_edge {

class FrameCopy {
 public:
  /// Copies the bytes of an image that are read, without padding; validate() has accepted the
  /// image. Allocates if the image needs more memory than every earlier one.
  void take(const ImageView& image);

  /// Returns a view of the copy, valid until the next take().
  const ImageView& view() const { return view_; }

 private:
  std::vector<std::uint8_t> bytes_;
  ImageView view_;
};

}  // namespace hvit_edge
