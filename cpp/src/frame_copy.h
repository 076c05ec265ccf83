// A frame in memory of our own, which serves the next frame too.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/image.h"

namespace hvit_edge {

class FrameCopy {
 public:
  /// Copies what is read of an image that has passed validate(): no padding. Allocates where the
  /// image needs more memory than every one before.
  void take(const ImageView& image);

  /// Of the copy, until the next take().
  const ImageView& view() const { return view_; }

 private:
  std::vector<std::uint8_t> bytes_;
  ImageView view_;
};

}  // namespace hvit_edge
