// A row of pixels as three rows of one colour each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvit_edge {

/// Bytes behind each row of a colour that may be read and mean nothing.
constexpr std::size_t kReadAhead = 32;

/// Distance of rows of so many pixels.
constexpr std::size_t colour_distance(int pixels) {
  return static_cast<std::size_t>(pixels) + kReadAhead;
}

/// Red, green and blue, `distance` bytes from the first of one to the first of the next.
struct ColourRows {
  std::uint8_t* red = nullptr;
  std::size_t distance = 0;

  std::uint8_t* row(int colour) const { return red + colour * distance; }
  ColourRows from(std::ptrdiff_t x) const { return {red + x, distance}; }
};

/// The same, to read.
struct ConstColourRows {
  const std::uint8_t* red = nullptr;
  std::size_t distance = 0;

  const std::uint8_t* row(int colour) const { return red + colour * distance; }
  ConstColourRows from(std::ptrdiff_t x) const { return {red + x, distance}; }
};

}  // namespace hvit_edge
