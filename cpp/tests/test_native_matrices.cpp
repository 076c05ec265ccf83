// Products and transpositions of matrices, against plain loops in double precision.
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

TEST(NativeMatmul, MultipliesMatricesOfAnyStride) {
  Random random(15);
  for (const std::int64_t columns : {1, 15, 16, 17, 50, 300}) {
    for (const bool turned : {false, true}) {
      Matmul matmul;
      matmul.batches = random(1, 3);
      matmul.rows = random(1, 70);
      matmul.depth = random(1, 40);
      matmul.columns = columns;
      matmul.scale = 0.5F;
      const std::int64_t left_stride = matmul.depth + random(0, 2);
      const std::int64_t right_stride = (turned ? matmul.depth : columns) + random(0, 2);
      const std::int64_t right_rows = turned ? columns : matmul.depth;
      const std::int64_t stride = columns + random(0, 2);
      const auto left = random.places(matmul.batches, matmul.rows * left_stride);
      const auto right = random.places(matmul.batches, right_rows * right_stride);
      const auto output = random.places(matmul.batches, matmul.rows * stride);
      matmul.left = {Space::input, 0, left_stride, left.data()};
      const std::int64_t lefts = matmul.batches * matmul.rows * left_stride;
      matmul.right = {Space::input, 4 * lefts, turned ? 1 : right_stride, right.data()};
      matmul.step = turned ? right_stride : 1;
      matmul.output = {Space::output, 0, stride, output.data()};
      Memory memory;
      memory.input = random.values(lefts + matmul.batches * right_rows * right_stride);
      const std::int64_t panels = (columns + kPanel - 1) / kPanel * kPanel;
      memory.arena.resize(static_cast<std::size_t>(matmul.batches * panels * matmul.depth));
      const std::int64_t last = (matmul.batches * matmul.rows - 1) * stride + columns;
      std::vector<double> expected(static_cast<std::size_t>(last), kNothing);
      for (std::int64_t b = 0; b < matmul.batches; ++b) {
        for (std::int64_t m = 0; m < matmul.rows; ++m) {
          for (std::int64_t n = 0; n < columns; ++n) {
            double sum = 0;
            for (std::int64_t k = 0; k < matmul.depth; ++k) {
              const std::int64_t place = lefts + right[b] + k * matmul.right.stride;
              sum += double(memory.input[left[b] + m * left_stride + k]) *
                     double(memory.input[place + n * matmul.step]);
            }
            expected[output[b] + m * stride + n] = 0.5 * sum;
          }
        }
      }
      SCOPED_TRACE(::testing::Message() << columns << " columns, turned " << turned);
      expect_written(matmul, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NativeTranspose, BringsColumnsSideBySide) {
  Random random(19);
  for (const auto& [rows, columns] : std::initializer_list<std::pair<int, int>>{
           {1, 1}, {1, 40}, {40, 1}, {16, 16}, {37, 19}, {3, 100}}) {
    for (const bool turned : {true, false}) {
      const std::vector<std::int32_t> begins = {5, 0};
      Transpose transpose;
      transpose.batches = 2;
      transpose.rows = rows;
      transpose.columns = columns;
      transpose.input = {Space::input, 0, turned ? 1 : columns * 3, begins.data()};
      transpose.step = turned ? rows + 2 : 3;
      Memory memory;
      memory.input = random.values(static_cast<std::size_t>(3 * (rows + 2) * (columns + 2) + 5));
      std::vector<double> expected;
      for (const std::int32_t begin : begins) {
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < columns; ++c) {
            const std::int64_t from = begin + r * transpose.input.stride + c * transpose.step;
            expected.push_back(memory.input[static_cast<std::size_t>(from)]);
          }
        }
      }
      expect_written(transpose, memory, expected, Space::arena);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
