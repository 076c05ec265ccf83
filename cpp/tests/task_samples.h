// Outputs of models and places of frames for the tests of masks and boxes.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "hvit_edge/metadata.h"
#include "image/placement.h"

namespace hvit_edge::testing {

inline std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(engine);
  return numbers;
}

/// Returns where a frame is in an input of 512x512 pixels to which it is stretched.
inline Placement placement_of(int width, int height, Rotation rotation = Rotation::none) {
  static const std::uint8_t pixel[4] = {};
  PreprocessSpec spec;
  spec.input_height = spec.input_width = 512;
  spec.resize = Resize::stretch;
  ImageView image;
  image.data = pixel;  // never read
  image.width = width;
  image.height = height;
  image.rotation = rotation;
  const Result<Placement> placement = place(spec, image);
  EXPECT_TRUE(placement.ok()) << placement.status().message();
  return *placement;
}

/// Returns a detector with an anchor for each cell of a grid, of the cell's size.
inline DetectSpec cells_of(int rows, int columns) {
  DetectSpec spec;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      spec.anchors.push_back({(static_cast<float>(column) + 0.5F) / static_cast<float>(columns),
                              (static_cast<float>(row) + 0.5F) / static_cast<float>(rows),
                              1.0F / static_cast<float>(columns), 1.0F / static_cast<float>(rows)});
    }
  }
  return spec;
}

}  // namespace hvit_edge::testing
