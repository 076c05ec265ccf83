// Photos as binary PPM (P6): the one format that needs no decoder on a device.
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

  /// Valid while the photo lives.
  ImageView view() const;
};

/// One P6 photo with 8 bits a channel, comments allowed; at most 2^28 pixels. `name` is for
/// messages.
Result<PpmPhoto> parse_ppm(const std::uint8_t* data, std::size_t size, const std::string& name);

/// Reads the file and parses it.
Result<PpmPhoto> read_ppm(const std::string& path);

}  // namespace hvit_edge
