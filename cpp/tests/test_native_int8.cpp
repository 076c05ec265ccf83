// Int8 linear layers and convolutions against plain loops: integers exactly, the rest in double
// precision.
#include <tuple>

#include "hvit_edge/threads.h"
#include "native_int8.h"

namespace hvit_edge::native::testing {
namespace {

// The layout of the arena: residuals, ranges and, up to its end, codes.
struct Placing {
  Layout layout;
  std::int64_t ranges, codes;

  Placing(const std::vector<float>& residuals, const RandomCodes& codes_of) {
    residuals_ = residuals;
    layout.add(static_cast<std::int64_t>(4 * residuals.size()));
    ranges = layout.add(static_cast<std::int64_t>(4 * codes_of.ranges.size()));
    codes = layout.add(codes_of.rows * in_fours(codes_of.depth));
  }
  std::int64_t residual_offset() const { return Layout().add(0); }
  std::vector<float> arena(const InstructionSet& set, const RandomCodes& codes_of) const {
    std::vector<float> memory = layout.memory();
    if (!residuals_.empty()) {
      std::memcpy(bytes_in(memory, residual_offset()), residuals_.data(), 4 * residuals_.size());
    }
    codes_of.write_ranges(set, bytes_in(memory, ranges));
    codes_of.write(set, bytes_in(memory, codes));
    return memory;
  }

 private:
  std::vector<float> residuals_;
};

// A product is about one; with more products, their sum times the zero point is rounded too.
double tolerance_of(std::int64_t depth) {
  return kTolerance * std::max(1.0, static_cast<double>(depth) / 100);
}

void try_linear(Random& random, std::int64_t rows, std::int64_t depth, std::int64_t columns,
                std::int64_t together) {
  const RandomCodes codes(random, rows, depth, together);
  const RandomInt8Weights weights(random, columns, 1, depth);
  const RandomEpilogue epilogue(random, rows, columns);
  const Placing placing(epilogue.residuals(), codes);
  LinearInt8 layer;
  layer.rows = rows;
  layer.depth = depth;
  layer.columns = columns;
  layer.together = together;
  layer.codes = placing.codes;
  layer.ranges = placing.ranges;
  layer.weights = weights.get();
  layer.epilogue = epilogue.get();
  layer.epilogue.residual.offset = placing.residual_offset();
  const auto expected = epilogue.expected([&](std::int64_t m, std::int64_t n) {
    double sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      sum += (codes.code(m, k) - codes.zero(m)) * weights.code(n, 0, k);
    }
    return sum * codes.scale(m) * weights.scales[n];
  });
  for (const InstructionSet& set : present_sets()) {
    const std::vector<float> before = placing.arena(set, codes);
    std::vector<float> arena = before, input;
    const auto actual = run_in(set, layer, input, arena, expected.size());
    expect_output(actual, expected, tolerance_of(depth) + epilogue.roughness(), set.name);
    expect_same_beside(before, arena, {}, set.name);
  }
}

TEST(NativeLinearInt8, MultipliesAnySize) {
  Random random(1);
  for (std::int64_t rows = 1; rows <= 9; ++rows) {
    for (const std::int64_t columns : {1, 15, 17, 48, 50}) {
      for (const std::int64_t depth : {1, 3, 5, 30, 33}) {
        SCOPED_TRACE(::testing::Message() << rows << " x " << depth << " x " << columns);
        try_linear(random, rows, depth, columns, 1);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NativeLinearInt8, SharesRanges) {
  Random random(2);
  for (const std::int64_t together : {2, 3, 5, 8}) {
    for (const std::int64_t groups : {1, 2, 4}) {
      SCOPED_TRACE(::testing::Message() << groups << " times " << together);
      try_linear(random, groups * together, 30, 33, together);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NativeLinearInt8, MultipliesInBlocks) {
  Random random(3);
  for (const int threads : {1, 3}) {
    ASSERT_TRUE(set_threads(threads).ok());
    for (const auto& [rows, depth, columns] :
         {std::tuple(301, 99, 130), std::tuple(5, 1500, 100), std::tuple(500, 17, 33)}) {
      try_linear(random, rows, depth, columns, rows % 7 == 0 ? 7 : 1);
      if (HasFatalFailure()) return;
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

// Makes every code and weight the lowest or the highest one, at random: pairs of their products
// would saturate 16 bits.
void take_extremes(Random& random, RandomCodes& codes, RandomInt8Weights& weights) {
  for (int& code : codes.codes) code = random.flip() ? 127 : -128;
  std::fill(weights.totals.begin(), weights.totals.end(), 0.0F);
  for (std::int64_t n = 0; n < weights.columns; ++n) {
    for (std::int64_t k = 0; k < weights.depth; ++k) {
      const auto code = static_cast<std::int8_t>(random.flip() ? 127 : -128);
      weights.codes[n * weights.depth + k] = code;
      const std::int64_t four = n / kPanel * (weights.depth / 4) + k / 4;
      weights.packed[(four * kPanel + n % kPanel) * 4 + k % 4] = code;
      weights.totals[n] += static_cast<float>(code);
    }
  }
}

// With scales of one, the output is an integer and exact to the last bit.
TEST(NativeLinearInt8, IsExactInIntegers) {
  Random random(4);
  for (const std::int64_t depth : {1, 3, 5, 30, 33, 120, 200, 2100, 4101}) {
    const std::int64_t rows = 9, columns = 50;
    RandomCodes codes(random, rows, depth, 1);
    RandomInt8Weights weights(random, columns, 1, depth);
    std::fill(weights.scales.begin(), weights.scales.end(), 1.0F);
    for (std::size_t i = 0; i < codes.ranges.size(); i += 2) codes.ranges[i] = 1;
    if (depth == 200) {  // the largest sums: 255 times 127 on AVX-512
      std::fill(codes.codes.begin(), codes.codes.end(), 127);
      std::fill(weights.packed.begin(), weights.packed.end(), std::int8_t{127});
      std::fill(weights.codes.begin(), weights.codes.end(), std::int8_t{127});
      std::fill(weights.totals.begin(), weights.totals.end(), 127.0F * 200);
    }
    if (depth == 120) take_extremes(random, codes, weights);
    const Placing placing({}, codes);
    LinearInt8 layer;
    layer.rows = rows;
    layer.depth = depth;
    layer.columns = columns;
    layer.codes = placing.codes;
    layer.ranges = placing.ranges;
    layer.weights = weights.get();
    layer.epilogue.output = {Space::output, 0, columns, nullptr};
    for (const InstructionSet& set : present_sets()) {
      std::vector<float> arena = placing.arena(set, codes), input;
      const auto actual = run_in(set, layer, input, arena, rows * columns);
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          sum += (codes.code(i / columns, k) - codes.zero(i / columns)) *
                 weights.code(i % columns, 0, k);
        }
        ASSERT_EQ(actual[kGuard + i], sum) << set.name << " at " << i << " of depth " << depth;
      }
    }
  }
}

// SiLU and GELU of any finite value, from one product of a code that is 1.
TEST(NativeLinearInt8, ActivatesNearlyAsFloats) {
  Random random(5);
  std::vector<float> values = {0.0F, 1e-30F, -1e-30F, 1e4F, -1e4F, 1e30F, -1e30F};
  for (int i = -4000; i <= 4000; ++i) values.push_back(static_cast<float>(i) / 100);
  const auto columns = static_cast<std::int64_t>(values.size());
  RandomCodes codes(random, 1, 1, 1);
  RandomInt8Weights weights(random, columns, 1, 1);
  codes.codes.assign(codes.codes.size(), 1);
  codes.ranges = {1, 0};
  std::fill(weights.packed.begin(), weights.packed.end(), std::int8_t{0});
  for (std::int64_t n = 0; n < columns; ++n) weights.packed[4 * n] = 1;
  std::fill(weights.totals.begin(), weights.totals.end(), 1.0F);
  std::copy(values.begin(), values.end(), weights.scales.begin());
  const Placing placing({}, codes);
  LinearInt8 layer;
  layer.rows = layer.depth = 1;
  layer.columns = columns;
  layer.codes = placing.codes;
  layer.ranges = placing.ranges;
  layer.weights = weights.get();
  layer.epilogue.output = {Space::output, 0, columns, nullptr};
  for (const Activation kind : {Activation::silu, Activation::gelu}) {
    layer.epilogue.first = kind;
    std::vector<double> expected;
    for (const float value : values) expected.push_back(activated(kind, double{value}));
    for (const InstructionSet& set : present_sets()) {
      std::vector<float> arena = placing.arena(set, codes), input;
      const auto actual = run_in(set, layer, input, arena, values.size());
      expect_output(actual, expected, kRoughness, set.name);
    }
  }
}

void try_convolution(Random& random, const Window& given, std::int64_t columns) {
  Window window = given;
  const std::int64_t taps = window.kernel_height * window.kernel_width;
  const std::int64_t pixels = window.height * window.width, width = in_fours(window.channels);
  const RandomCodes codes(random, pixels, window.channels, pixels);
  const RandomInt8Weights weights(random, columns, taps, window.channels);
  const RandomEpilogue epilogue(random, window.out_height * window.out_width, columns);
  Placing placing(epilogue.residuals(), codes);
  ConvolutionInt8 layer;
  layer.columns = columns;
  layer.ranges = placing.ranges;
  layer.zeros = placing.layout.add(width);
  layer.weights = weights.get();
  layer.epilogue = epilogue.get();
  layer.epilogue.residual.offset = placing.residual_offset();
  // With one number a pixel, the offset indexes `codes`; in bytes, it is in the arena.
  window.row_stride = window.width;
  window.pixel_stride = 1;
  const auto expected = epilogue.expected([&](std::int64_t m, std::int64_t n) {
    double sum = 0;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const std::int64_t pixel = pixel_of(window, m, tap);
      for (std::int64_t k = 0; pixel >= 0 && k < window.channels; ++k) {
        sum += (codes.code(pixel, k) - codes.zero(0)) * weights.code(n, tap, k);
      }
    }
    return sum * codes.scale(0) * weights.scales[n];
  });
  window.space = Space::arena;
  window.offset = placing.codes;
  window.row_stride = window.width * width;
  window.pixel_stride = width;
  layer.window = window;
  for (const InstructionSet& set : present_sets()) {
    std::vector<float> before = placing.arena(set, codes), input;
    std::memset(bytes_in(before, layer.zeros), byte_of(set, static_cast<int>(codes.zero(0))),
                static_cast<std::size_t>(width));
    std::vector<float> arena = before;
    const auto actual = run_in(set, layer, input, arena, expected.size());
    const double tolerance = tolerance_of(taps * window.channels) + epilogue.roughness();
    expect_output(actual, expected, tolerance, set.name);
    expect_same_beside(before, arena, {}, set.name);
  }
}

TEST(NativeConvolutionInt8, PadsAndStrides) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    const Window window = random_window(random, random(1, 35));
    try_convolution(random, window, random(1, 50));
    if (HasFatalFailure()) return;
  }
}

TEST(NativeConvolutionInt8, ConvolvesInBlocks) {
  Random random(6);
  for (const int threads : {1, 3}) {
    ASSERT_TRUE(set_threads(threads).ok());
    Window window = random_window(random, 24);
    window.height = window.width = window.out_height = window.out_width = 20;
    window.kernel_height = window.kernel_width = 3;
    window.stride_height = window.stride_width = window.pad_height = window.pad_width = 1;
    try_convolution(random, window, 70);
  }
  ASSERT_TRUE(set_threads(0).ok());
}

}  // namespace
}  // namespace hvit_edge::native::testing
