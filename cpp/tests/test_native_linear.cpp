// Linear layers and convolutions against plain loops in double precision.
#include <tuple>

#include "hvit_edge/threads.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

struct LinearCase {
  Linear layer;
  Placed input;
  std::vector<std::int32_t> taps;
  std::vector<float> weights, packed;
  Memory memory;
};

// Checks a layer of this size; everything else is random.
void try_linear(Random& random, std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  LinearCase one;
  if (random.flip()) one.taps = random.places(depth, random(1, 3));
  const std::int64_t width =
      one.taps.empty() ? depth : *std::max_element(one.taps.begin(), one.taps.end()) + 1;
  one.input = place(random, Space::input, rows, width);
  one.memory.input = random.values(reach(one.input, rows, width));
  one.weights = random.values(depth * columns);
  one.packed = panels(one.weights, depth, columns);
  const RandomEpilogue epilogue(random, rows, columns);
  one.memory.arena = epilogue.residuals();
  one.layer.rows = rows;
  one.layer.depth = depth;
  one.layer.columns = columns;
  one.layer.input = one.input.rows;
  one.layer.taps = one.taps.empty() ? nullptr : one.taps.data();
  one.layer.weights = one.packed.data();
  one.layer.epilogue = epilogue.get();
  const auto expected = epilogue.expected([&](std::int64_t m, std::int64_t n) {
    double sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      const std::int64_t tap = one.taps.empty() ? k : one.taps[k];
      sum += double{one.memory.input[one.input.row(m) + tap]} * one.weights[k * columns + n];
    }
    return sum;
  });
  // Sums of more products are larger, and are rounded more often.
  expect_written(one.layer, one.memory, expected, Space::output,
                 std::max(1.0, static_cast<double>(depth) / 300));
}

TEST(NativeLinear, MultipliesAnySize) {
  Random random(1);
  for (std::int64_t rows = 1; rows <= 17; ++rows) {
    for (const std::int64_t columns : {1, 15, 16, 17, 48, 100}) {
      for (const std::int64_t depth : {1, 3, 64, 147}) {
        SCOPED_TRACE(::testing::Message() << rows << " x " << depth << " x " << columns);
        try_linear(random, rows, depth, columns);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Several blocks of rows and of weights, with one thread and with several.
TEST(NativeLinear, MultipliesInBlocks) {
  Random random(2);
  for (const int count : {1, 3}) {
    ASSERT_TRUE(set_threads(count).ok());
    for (const auto& [rows, depth, columns] :
         {std::tuple(301, 100, 330), std::tuple(7, 1500, 100), std::tuple(700, 17, 33)}) {
      try_linear(random, rows, depth, columns);
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

TEST(NativeLinear, FinishesWithEveryActivation) {
  Random random(3);
  const std::vector<float> identity = {1};
  const std::vector<float> weights = panels(identity, 1, 1);
  Memory memory;
  for (float x = -30; x <= 30; x += 0.11F) memory.input.push_back(x);
  const auto rows = static_cast<std::int64_t>(memory.input.size());
  memory.arena = random.values(rows);
  Linear layer;
  layer.rows = rows;
  layer.depth = layer.columns = 1;
  layer.input.space = Space::input;
  layer.input.stride = 1;
  layer.weights = weights.data();
  layer.epilogue.residual.space = Space::arena;
  layer.epilogue.residual.stride = 1;
  layer.epilogue.output.space = Space::output;
  layer.epilogue.output.stride = 1;
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      layer.epilogue.first = static_cast<Activation>(first);
      layer.epilogue.second = static_cast<Activation>(second);
      std::vector<double> expected;
      for (std::int64_t i = 0; i < rows; ++i) {
        const double value = activated(layer.epilogue.first, memory.input[i]);
        expected.push_back(activated(layer.epilogue.second, value + memory.arena[i]));
      }
      SCOPED_TRACE(::testing::Message() << first << ", then " << second);
      expect_written(layer, memory, expected);
    }
  }
}

TEST(NativeConvolution, PadsAndStrides) {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    const Window window = random_window(random, random(1, 9));
    const std::int64_t columns = random(1, 50);
    const std::int64_t taps = window.kernel_height * window.kernel_width;
    const std::vector<float> weights = random.values(taps * window.channels * columns);
    const std::vector<float> packed = panels(weights, taps * window.channels, columns);
    Memory memory;
    memory.input = random.values(reach(window));
    const RandomEpilogue epilogue(random, window.out_height * window.out_width, columns);
    memory.arena = epilogue.residuals();
    const auto expected = epilogue.expected([&](std::int64_t m, std::int64_t n) {
      double sum = 0;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int64_t pixel = pixel_of(window, m, tap);
        if (pixel < 0) continue;
        for (std::int64_t c = 0; c < window.channels; ++c) {
          sum +=
              double{memory.input[pixel + c]} * weights[(tap * window.channels + c) * columns + n];
        }
      }
      return sum;
    });
    const Convolution layer{window, columns, packed.data(), epilogue.get()};
    SCOPED_TRACE(round);
    expect_written(layer, memory, expected);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
