// A row of pixels as three rows of one color each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvit_edge {

/// Bytes after each row of a color that may be read and have no meaning.
constexpr std::size_t kReadAhead = 32;

/// Returns the distance of rows of so many pixels.
constexpr std::size_t color_distance(int pixels) {
  return static_cast<std::size_t>(pixels) + kReadAhead;
}

/// Red, green and blue rows, `distance` bytes from the start of one to the start of the next.
struct ColorRows {
  std::uint8_t* red = nullptr;
  std::size_t distance = 0;

  std::uint8_t* row(int color) const { return red + color * distance; }
  ColorRows from(std::ptrdiff_t x) const { return {red + x, distance}; }
};

/// The same rows, for reading.
struct ConstColorRows {
  const std::uint8_t* red = nullptr;
  std::size_t distance = 0;

  const std::uint8_t* row(int color) const { return red + color * distance; }
  ConstColorRows from(std::ptrdiff_t x) const { return {red + x, distance}; }
};

}  // namespace hvit_edge
