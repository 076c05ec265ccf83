// Transposes matrices: reads values with a stride and writes them contiguously. Included by each
// translation unit of operators.h, and nowhere else.
#pragma once

#include "attention.h"

namespace {

using hvit_edge::native::Transpose;

constexpr std::int64_t kTurned = 16;  // rows and columns at a time, which fit in the cache

struct TransposeWork {
  const Transpose* transpose;
  const Bases* bases;
  std::int64_t row_blocks;
};

inline void turn_rows(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const TransposeWork*>(context);
  const Transpose& transpose = *work.transpose;
  const std::int64_t batch = index / work.row_blocks;
  const std::int64_t first = index % work.row_blocks * kTurned;
  const std::int64_t rows = least(transpose.rows - first, kTurned);
  const std::int64_t stride = transpose.input.stride, step = transpose.step;
  const Value* input = matrix(transpose.input, *work.bases, batch) + first * stride;
  Value* output = values_at(*work.bases, Space::arena, transpose.output) +
                  (batch * transpose.rows + first) * transpose.columns;
  for (std::int64_t column = 0; column < transpose.columns; column += kTurned) {
    const std::int64_t end = least(column + kTurned, transpose.columns);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t c = column; c < end; ++c) {
        output[row * transpose.columns + c] = input[row * stride + c * step];
      }
    }
  }
}

inline void run(const Transpose& transpose, const Bases& bases) {
  const TransposeWork work{&transpose, &bases, quotient_up(transpose.rows, kTurned)};
  share_out(transpose.batches * work.row_blocks, turn_rows, &work);
}

}  // namespace
