// Norms, sums, means and copies against plain loops in double precision.
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

std::vector<double> normalized(const float* row, const LayerNorm& norm) {
  double mean = 0, variance = 0;
  for (std::int64_t c = 0; c < norm.columns; ++c) mean += row[c] / double(norm.columns);
  for (std::int64_t c = 0; c < norm.columns; ++c) {
    variance += (row[c] - mean) * (row[c] - mean) / double(norm.columns);
  }
  const auto* gamma = static_cast<const float*>(norm.gamma);
  const auto* beta = static_cast<const float*>(norm.beta);
  std::vector<double> all;
  for (std::int64_t c = 0; c < norm.columns; ++c) {
    double value = (row[c] - mean) / std::sqrt(variance + norm.eps);
    if (gamma != nullptr) value *= gamma[c];
    if (beta != nullptr) value += beta[c];
    all.push_back(activated(norm.activation, value));
  }
  return all;
}

TEST(NativeLayerNorm, NormalisesAnyWidth) {
  Random random(1);
  for (const std::int64_t columns : {1, 15, 16, 17, 48, 100, 1000}) {
    for (std::int64_t rows = 1; rows <= 17; ++rows) {
      Memory memory;
      const Placed input = place(random, Space::input, rows, columns);
      const Placed output = place(random, Space::output, rows, columns);
      memory.input = random.values(reach(input, rows, columns), 3);
      const std::vector<float> gamma = random.values(columns), beta = random.values(columns);
      LayerNorm norm;
      norm.rows = rows;
      norm.columns = columns;
      norm.input = input.rows;
      if (random.flip()) norm.gamma = gamma.data();
      if (random.flip()) norm.beta = beta.data();
      norm.eps = 1e-5F;
      norm.activation = static_cast<Activation>(random(0, 3));
      norm.output = output.rows;
      auto expected = nothing(output, rows, columns);
      for (std::int64_t i = 0; i < rows; ++i) {
        const auto row = normalized(memory.input.data() + input.row(i), norm);
        std::copy(row.begin(), row.end(), expected.begin() + output.row(i));
      }
      SCOPED_TRACE(::testing::Message() << rows << " x " << columns);
      expect_written(norm, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NativeAdd, AddsOneOrTwo) {
  Random random(2);
  for (const std::int64_t columns : {1, 15, 16, 17, 48, 100}) {
    for (std::int64_t rows = 1; rows <= 17; ++rows) {
      Memory memory;
      const Placed left = place(random, Space::input, rows, columns);
      const Placed right = place(random, Space::arena, rows, columns);
      const Placed output = place(random, Space::output, rows, columns);
      memory.input = random.values(reach(left, rows, columns));
      memory.arena = random.values(reach(right, rows, columns));
      Add add;
      add.rows = rows;
      add.columns = columns;
      add.left = left.rows;
      const bool two = random.flip();
      if (two) add.right = right.rows;
      add.alpha = 0.75F;
      add.beta = -2.5F;
      add.activation = static_cast<Activation>(random(0, 3));
      add.output = output.rows;
      auto expected = nothing(output, rows, columns);
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t c = 0; c < columns; ++c) {
          double value = 0.75 * memory.input[left.row(i) + c];
          if (two) value -= 2.5 * memory.arena[right.row(i) + c];
          expected[output.row(i) + c] = activated(add.activation, value);
        }
      }
      SCOPED_TRACE(::testing::Message() << rows << " x " << columns);
      expect_written(add, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NativeMean, AveragesGroupsOfRows) {
  Random random(3);
  for (const std::int64_t columns : {1, 15, 16, 17, 48, 100}) {
    for (const std::int64_t groups : {1, 2, 5}) {
      for (const std::int64_t count : {1, 3, 64}) {
        Memory memory;
        const Placed input = place(random, Space::input, groups * count, columns);
        const Placed output = place(random, Space::output, groups, columns);
        memory.input = random.values(reach(input, groups * count, columns));
        auto expected = nothing(output, groups, columns);
        for (std::int64_t g = 0; g < groups; ++g) {
          for (std::int64_t c = 0; c < columns; ++c) {
            double sum = 0;
            for (std::int64_t i = 0; i < count; ++i) {
              sum += memory.input[input.row(g * count + i) + c];
            }
            expected[output.row(g) + c] = sum / double(count);
          }
        }
        expect_written(Mean{groups, count, columns, input.rows, output.rows}, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NativePad, SurroundsPlanesWithZeros) {
  Random random(4);
  for (int round = 0; round < 60; ++round) {
    Pad pad;
    pad.space = Space::input;
    pad.offset = 4 * random(0, 3);
    pad.channels = random(1, 4);
    pad.height = random(1, 9);
    pad.width = random(1, 40);
    pad.pad_height = random(0, 3);
    pad.pad_width = random(0, 3);
    pad.output = 4 * random(0, 3);
    Memory memory;
    memory.input = random.values(pad.offset / 4 + pad.channels * pad.height * pad.width);
    const std::int64_t height = pad.height + 2 * pad.pad_height;
    const std::int64_t width = pad.width + 2 * pad.pad_width;
    std::vector<double> expected(static_cast<std::size_t>(pad.output / 4), kNothing);
    for (std::int64_t i = 0; i < pad.channels * height * width; ++i) {
      const std::int64_t x = i % width - pad.pad_width;
      const std::int64_t y = i / width % height - pad.pad_height;
      const bool inside = x >= 0 && x < pad.width && y >= 0 && y < pad.height;
      const std::int64_t plane = i / (width * height) * pad.height;
      expected.push_back(inside ? memory.input[pad.offset / 4 + (plane + y) * pad.width + x] : 0.0);
    }
    expect_written(pad, memory, expected, Space::arena);
    if (HasFatalFailure()) return;
  }
}

TEST(NativeGather, CopiesFromPlaces) {
  Random random(5);
  for (const std::int64_t count : {1, 15, 16, 17, 40000}) {
    const std::vector<std::int32_t> table = random.places(count, 2);
    Memory memory;
    memory.input = random.values(1 + 2 * count);
    const Gather gather{count, Space::input, 4, table.data(), 8};
    std::vector<double> expected(2, kNothing);
    for (const std::int32_t place : table) expected.push_back(memory.input[1 + place]);
    expect_written(gather, memory, expected, Space::arena);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
