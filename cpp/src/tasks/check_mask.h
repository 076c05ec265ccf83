// Checks a mask that may come from the caller.
#pragma once

#include "hvit_edge/mask.h"
#include "text.h"

namespace hvit_edge {

/// Refuses a mask that has no pixels, or not a class for each. `where` begins the message.
inline Status check_mask(const char* where, const Mask& mask) {
  const bool sides = mask.width > 0 && mask.height > 0;
  if (sides && mask.classes.size() == static_cast<std::size_t>(mask.width) * mask.height) {
    return Status();
  }
  return Status(StatusCode::invalid_argument,
                concat("[", where, "] expected a mask with a class for each pixel, got ",
                       mask.width, "x", mask.height, " pixels and ", mask.classes.size(),
                       " classes; pass a mask of Segmenter"));
}

}  // namespace hvit_edge
