// Byte shuffles that separate a row of RGB into its colors.
#pragma once

#include <cstdint>

namespace hvit_edge {

/// Byte j of sixteen bytes of one color is byte from[color][p][j] of part p of the 48 bytes of RGB,
/// for the one part for which that is not 0x80.
struct SeparateBytes {
  std::uint8_t from[3][3][16];
};

constexpr SeparateBytes separate_bytes() {
  SeparateBytes table = {};
  for (int color = 0; color < 3; ++color) {
    for (int part = 0; part < 3; ++part) {
      for (int j = 0; j < 16; ++j) {
        const int byte = 3 * j + color;
        table.from[color][part][j] =
            static_cast<std::uint8_t>(byte / 16 == part ? byte % 16 : 0x80);
      }
    }
  }
  return table;
}

inline constexpr SeparateBytes kSeparate = separate_bytes();

}  // namespace hvit_edge
