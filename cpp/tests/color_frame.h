// Frames of a few colors for the artifacts of make_tasks.py, whose answers to them are known.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/image.h"

namespace hvit_edge::testing {

/// A frame of RGB pixels, four times as large as the input of the artifacts: gray, with a red
/// rectangle in the upper left and a blue one in the lower right.
struct ColorFrame {
  static constexpr int kWidth = 96;
  static constexpr int kHeight = 128;
  static constexpr int kRedWidth = 32;
  static constexpr int kRedHeight = 64;
  static constexpr int kBlueX = 32;
  static constexpr int kBlueY = 96;

  ColorFrame() : bytes(3 * kWidth * kHeight, 128) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        std::uint8_t* pixel = &bytes[static_cast<std::size_t>(3 * (y * kWidth + x))];
        if (class_at(x, y) == 1) pixel[0] = 255, pixel[1] = pixel[2] = 0;
        if (class_at(x, y) == 3) pixel[2] = 255, pixel[0] = pixel[1] = 0;
      }
    }
  }

  /// Returns the frame in one of eight orientations: rotated by a multiple of 90 degrees, and from
  /// 4 on also mirrored.
  ImageView view(int turn = 0) const {
    ImageView image{bytes.data(), kWidth, kHeight};
    image.rotation = static_cast<Rotation>(turn % 4 * 90);
    image.mirror = turn >= 4;
    return image;
  }

  /// Returns the class of a pixel: 0 gray, 1 red, 3 blue.
  static int class_at(int x, int y) {
    if (x < kRedWidth && y < kRedHeight) return 1;
    return x >= kBlueX && y >= kBlueY ? 3 : 0;
  }
  /// Returns true if a pixel is so near to another color that interpolation may change its class.
  static bool is_at_border(int x, int y) {
    constexpr int kReach = 24;  // cells of the logits have 16 pixels, and the resize blurs them
    for (int dy = -kReach; dy <= kReach; dy += kReach) {
      for (int dx = -kReach; dx <= kReach; dx += kReach) {
        if (class_at(x + dx, y + dy) != class_at(x, y) && x + dx >= 0 && y + dy >= 0 &&
            x + dx < kWidth && y + dy < kHeight) {
          return true;
        }
      }
    }
    return false;
  }

  std::vector<std::uint8_t> bytes;
};

}  // namespace hvit_edge::testing
