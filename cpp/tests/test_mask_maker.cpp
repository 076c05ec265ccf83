// The masks of every instruction set are those of bilinear interpolation in float64, which tests in
// tests/runtime compare with PyTorch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "task_samples.h"
#include "tasks/mask_maker.h"

namespace hvit_edge {
namespace {

using testing::placement_of;
using testing::random_floats;

constexpr double kMargin = 1e-4;  // closer classes may be exchanged

double sample(const LogitMap& logits, int c, double row, double column) {
  const auto at = [&](double cell, int cells) { return std::clamp(cell - 0.5, 0.0, cells - 1.0); };
  const double y = at(row * logits.height, logits.height);
  const double x = at(column * logits.width, logits.width);
  const auto top = static_cast<int>(y);
  const auto left = static_cast<int>(x);
  double sum = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      const int r = std::min(top + i, logits.height - 1);
      const int k = std::min(left + j, logits.width - 1);
      const double weight =
          (i == 0 ? 1 - (y - top) : y - top) * (j == 0 ? 1 - (x - left) : x - left);
      sum += weight * logits.values[(c * logits.height + r) * logits.width + k];
    }
  }
  return sum;
}

void expect_right(const MaskKernels& kernels, const LogitMap& logits, int width, int height) {
  Mask mask;
  MaskMaker(kernels).run(logits, placement_of(width, height), false, mask);
  ASSERT_EQ(mask.classes.size(), static_cast<std::size_t>(width) * height);
  EXPECT_TRUE(mask.confidence.empty());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double row = (y + 0.5) / height;
      const double column = (x + 0.5) / width;
      double most = -HUGE_VAL;
      for (int c = 0; c < logits.classes; ++c) {
        most = std::max(most, sample(logits, c, row, column));
      }
      const int chosen = mask.classes[static_cast<std::size_t>(y) * width + x];
      ASSERT_LT(chosen, logits.classes);
      ASSERT_GE(sample(logits, chosen, row, column), most - kMargin)
          << kernels.name << " " << y << " " << x;
    }
  }
}

TEST(MaskMaker, EveryInstructionSetInterpolates) {
  for (const MaskKernels* kernels : mask_kernels()) {
    for (const int classes : {2, 21, 256}) {
      const std::vector<float> values = random_floats(static_cast<std::size_t>(classes) * 7 * 5, 4);
      const LogitMap logits = {values.data(), classes, 7, 5};
      for (const auto& [width, height] : {std::pair{1, 1}, {5, 7}, {83, 40}, {3, 61}}) {
        expect_right(*kernels, logits, width, height);
      }
    }
  }
}

TEST(MaskMaker, EveryInstructionSetChoosesTheScalarClasses) {
  const std::vector<float> values = random_floats(21, 5);
  const std::vector<float> steps = random_floats(21, 6);
  std::vector<std::uint8_t> classes(21);
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::uint8_t>(12 * i);
  std::vector<float> weights(67);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i) / 67.0F;
  for (const MaskKernels* kernels : mask_kernels()) {
    for (const int count : {1, 2, 21}) {
      const Contenders contenders = {values.data(), steps.data(), classes.data(), count};
      for (const int pixels : {0, 1, 7, 8, 9, 66}) {
        std::vector<std::uint8_t> written(67, 1);
        kernels->largest(contenders, weights.data(), pixels, written.data());
        for (int x = 0; x < pixels; ++x) {
          ASSERT_EQ(written[x], contenders.largest(weights[x])) << kernels->name;
        }
        EXPECT_EQ(written[pixels], 1) << "no byte after the last one is written";
      }
    }
  }
}

TEST(MaskMaker, OfEqualClassesTheFirstWins) {
  const std::vector<float> values(4 * 2 * 2, 1.5F);
  for (const MaskKernels* kernels : mask_kernels()) {
    Mask mask;
    MaskMaker(*kernels).run({values.data(), 4, 2, 2}, placement_of(20, 10), true, mask);
    EXPECT_EQ(mask.classes, std::vector<std::uint8_t>(200, 0));
    for (const float share : mask.confidence) EXPECT_FLOAT_EQ(share, 0.25F);
  }
}

TEST(MaskMaker, AOneCellMapFillsTheFrame) {
  const std::vector<float> values = {0, 3, 1};
  Mask mask;
  MaskMaker().run({values.data(), 3, 1, 1}, placement_of(9, 4), false, mask);
  EXPECT_EQ(mask.classes, std::vector<std::uint8_t>(36, 1));
}

TEST(MaskMaker, AMaskIsReusedForASmallerFrame) {
  const std::vector<float> values = random_floats(3 * 4 * 4, 7);
  const LogitMap logits = {values.data(), 3, 4, 4};
  MaskMaker maker;
  Mask reused;
  maker.run(logits, placement_of(50, 40), true, reused);
  maker.run(logits, placement_of(8, 6), false, reused);
  Mask fresh;
  MaskMaker().run(logits, placement_of(8, 6), false, fresh);
  EXPECT_EQ(reused.classes, fresh.classes);
  EXPECT_TRUE(reused.confidence.empty());
}

}  // namespace
}  // namespace hvit_edge
