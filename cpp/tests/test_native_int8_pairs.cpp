// The packing of int8 weights for matrix products, against the place of each code.
#include <gtest/gtest.h>

#include "native_int8.h"

namespace hvit_edge::native::testing {
namespace {

// Returns the place of a code of a column in a block of `depth` codes of 16 columns.
std::int64_t place_of(std::int64_t column, std::int64_t k, std::int64_t depth) {
  if (k / 8 * 8 + 8 <= depth) return k / 8 * 8 * kPanel + 8 * column + k % 8;
  return k / 4 * 4 * kPanel + 4 * column + k % 4;  // the last four
}

void expect_packed(const RandomInt8Weights& weights, const Int8Weights& actual) {
  const std::int64_t depth = in_fours(weights.depth);
  for (std::int64_t n = 0; n < weights.columns; ++n) {
    for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
      const std::int64_t block = (n / kPanel * weights.taps + tap) * depth * kPanel;
      for (std::int64_t k = 0; k < depth; ++k) {
        const double expected = k < weights.depth ? weights.code(n, tap, k) : 0;
        ASSERT_EQ(actual.codes[block + place_of(n % kPanel, k, depth)], expected)
            << "column " << n << ", tap " << tap << ", code " << k;
      }
    }
  }
}

TEST(NativeInt8Pairs, PutEightCodesOfAColumnSideBySide) {
  Random random(1);
  for (const std::int64_t columns : {1, 16, 17, 40}) {
    for (const std::int64_t depth : {1, 4, 7, 8, 12, 16, 30}) {
      SCOPED_TRACE(::testing::Message() << columns << " x " << depth);
      const RandomInt8Weights plain(random, columns, 1, depth), taps(random, columns, 6, depth);
      LinearInt8 linear;
      linear.depth = depth;
      linear.columns = columns;
      linear.weights = plain.get();
      ConvolutionInt8 convolution;
      convolution.columns = columns;
      convolution.window.kernel_height = 2;
      convolution.window.kernel_width = 3;
      convolution.window.channels = depth;
      convolution.weights = taps.get();
      InvertedResidual both, neither;
      both.expand.is_int8 = both.project.is_int8 = true;
      both.expand.in_int8 = both.project.in_int8 = linear;
      neither.expand.in_int8 = linear;
      std::vector<Operation> operations{linear, convolution, both, neither};
      const AlignedMemory memory = pack_pairs(operations);
      ASSERT_NE(memory, nullptr);
      expect_packed(plain, std::get<LinearInt8>(operations[0]).weights);
      expect_packed(taps, std::get<ConvolutionInt8>(operations[1]).weights);
      const auto& packed = std::get<InvertedResidual>(operations[2]);
      expect_packed(plain, packed.expand.in_int8.weights);
      expect_packed(plain, packed.project.in_int8.weights);
      // The weights of layers that are not int8 remain as they are, and so do scales and totals.
      EXPECT_EQ(std::get<InvertedResidual>(operations[3]).expand.in_int8.weights.codes,
                plain.packed.data());
      EXPECT_EQ(packed.expand.in_int8.weights.scales, plain.scales.data());
      EXPECT_EQ(packed.expand.in_int8.weights.totals, plain.totals.data());
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
