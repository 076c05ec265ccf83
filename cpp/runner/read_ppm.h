// Reads photos as binary PPM (P6), the only format that needs no decoder on a device.
// http://netpbm.sourceforge.net/doc/ppm.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

struct PpmPhoto {
  int width = 0;                     ///< in pixels
  int height = 0;                    ///< in pixels
  std::vector<std::uint8_t> pixels;  ///< R, G, B, row by row

  /// Returns a view that is valid while the photo lives.
  ImageView view() const;
};

/// Parses a P6 photo with 8 bits a channel and at most 2^28 pixels; comments are allowed. `name` is
/// for messages.
Result<PpmPhoto> parse_ppm(const std::uint8_t* data, std::size_t size, const std::string& name);

/// Reads the file and parses it.
Result<PpmPhoto> read_ppm(const std::string& path);

}  // namespace hvit_edge
