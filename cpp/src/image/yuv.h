// Converts YUV to RGB in 16-bit fixed point, defined to the bit: every instruction set gives the
// same bytes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hvit_edge/image.h"

namespace hvit_edge {

/// Weights with 13 fraction bits. docs/frames.md has the formulas that they come from.
struct YuvWeights {
  std::int16_t black;  ///< the luma of black
  std::int16_t luma;   ///< the weight of luma in all three colors
  std::int16_t v_to_red;
  std::int16_t u_to_green;
  std::int16_t v_to_green;
  std::int16_t u_to_blue;
};

inline const YuvWeights& yuv_weights(YuvMatrix matrix, YuvRange range) {
  static constexpr YuvWeights kWeights[2][2] = {
      {{0, 8192, 11485, -2819, -5850, 14516}, {16, 9539, 13075, -3209, -6660, 16525}},
      {{0, 8192, 12901, -1535, -3835, 15201}, {16, 9539, 14686, -1747, -4366, 17305}}};
  return kWeights[matrix == YuvMatrix::bt709][range == YuvRange::video];
}

constexpr int kYuvInputShift = 7;   ///< of the bytes, before they are multiplied
constexpr int kYuvOutputShift = 5;  ///< fraction bits of the sums; 7 + 13 - 15
constexpr int kYuvHalf = 1 << (kYuvOutputShift - 1);

/// Returns the upper half of a product, rounded: pmulhrsw on x86, sqrdmulh on Arm.
inline int rounded_upper(int a, int b) { return (a * b + (1 << 14)) >> 15; }

inline std::uint8_t yuv_byte(int sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kYuvOutputShift, 0, 255));
}

struct Rgb {
  std::uint8_t red;
  std::uint8_t green;
  std::uint8_t blue;
};

/// Converts one pixel. The sums fit in 16 bits for every input.
inline Rgb to_rgb(int luma, int u, int v, const YuvWeights& weights) {
  const int scale = 1 << kYuvInputShift;
  const int bright = rounded_upper((luma - weights.black) * scale, weights.luma) + kYuvHalf;
  const int blueness = (u - 128) * scale;
  const int redness = (v - 128) * scale;
  return {yuv_byte(bright + rounded_upper(redness, weights.v_to_red)),
          yuv_byte(bright + rounded_upper(blueness, weights.u_to_green) +
                   rounded_upper(redness, weights.v_to_green)),
          yuv_byte(bright + rounded_upper(blueness, weights.u_to_blue))};
}

}  // namespace hvit_edge
