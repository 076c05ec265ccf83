// Masks in the forms of other tools; tests/runtime reads them back to every pixel.
#include <gtest/gtest.h>

#include "hvit_edge/mask.h"

namespace hvit_edge {
namespace {

Mask mask_of(int width, int height, std::vector<std::uint8_t> classes) {
  Mask mask;
  mask.width = width;
  mask.height = height;
  mask.classes = std::move(classes);
  return mask;
}

// The regions of the class 7, and a hole.
Mask square_with_hole() {
  return mask_of(6, 5, {0, 0, 0, 0, 0, 0,  //
                        0, 7, 7, 7, 7, 0,  //
                        0, 7, 1, 7, 7, 0,  //
                        0, 7, 7, 7, 7, 0,  //
                        0, 0, 0, 0, 0, 0});
}

void expect_ring(const Ring& ring, const std::vector<std::pair<int, int>>& points) {
  ASSERT_EQ(ring.size(), points.size());
  for (std::size_t i = 0; i < ring.size(); ++i) {
    EXPECT_EQ(ring[i].x, points[i].first) << i;
    EXPECT_EQ(ring[i].y, points[i].second) << i;
  }
}

// pycocotools 2.0.11 wrote the texts.
TEST(Mask, RunLengthsAreThoseOfCoco) {
  const Mask mask = mask_of(5, 4, {0, 0, 0, 0, 0,  //
                                   0, 7, 7, 7, 0,  //
                                   0, 7, 7, 7, 0,  //
                                   0, 0, 0, 0, 0});
  EXPECT_EQ(*run_length(mask, 7), "5220003");
  EXPECT_EQ(*run_length(mask_of(3, 3, std::vector<std::uint8_t>(9, 7)), 7), "09");
  EXPECT_EQ(*run_length(mask_of(3, 3, std::vector<std::uint8_t>(9, 7)), 6), "9");
  std::vector<std::uint8_t> tall(9 * 300, 0);
  for (int y = 10; y < 290; ++y) tall[9 * y + 3] = tall[9 * y + 4] = 7;
  EXPECT_EQ(*run_length(mask_of(9, 300, tall), 7), "^l0h8d00VU1");
}

TEST(Mask, PolygonsGoAroundRegionsAndHoles) {
  const Result<std::vector<Ring>> rings = polygons(square_with_hole(), 7);
  ASSERT_TRUE(rings.ok());
  ASSERT_EQ(rings->size(), 2U);
  expect_ring((*rings)[0], {{1, 1}, {5, 1}, {5, 4}, {1, 4}});
  expect_ring((*rings)[1], {{2, 3}, {3, 3}, {3, 2}, {2, 2}});
  EXPECT_TRUE(polygons(square_with_hole(), 2)->empty());
}

TEST(Mask, PixelsThatTouchAtACornerAreTwoRegions) {
  const Result<std::vector<Ring>> rings = polygons(mask_of(2, 2, {7, 0, 0, 7}), 7);
  ASSERT_TRUE(rings.ok());
  ASSERT_EQ(rings->size(), 2U);
  expect_ring((*rings)[0], {{0, 0}, {1, 0}, {1, 1}, {0, 1}});
  expect_ring((*rings)[1], {{1, 1}, {2, 1}, {2, 2}, {1, 2}});
}

TEST(Mask, RefusesSizesThatDisagree) {
  Mask mask;
  mask.width = 3;
  mask.height = 2;
  mask.classes.resize(5);
  const Status status = run_length(mask, 1).status();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(status.message(),
            "[run_length] expected a mask with a class for each pixel, got 3x2 pixels and 5 "
            "classes; pass a mask of Segmenter");
  EXPECT_EQ(polygons(Mask(), 0).status().code(), StatusCode::invalid_argument);
}

}  // namespace
}  // namespace hvit_edge
