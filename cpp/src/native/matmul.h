// Products of two computed matrices of a batch. Included by each translation unit of operators.h,
// and nowhere else.
#pragma once

#include "attention.h"

namespace {

using hvit_edge::native::Matmul;
using hvit_edge::native::packed_matrix_of;

struct MatmulWork {
  const Matmul* matmul;
  const Bases* bases;
  std::int64_t packed;  // values of a packed matrix
  std::int64_t row_blocks;

  Value* packed_right(std::int64_t batch) const {
    return values_at(*bases, Space::arena, matmul->scratch) + batch * packed;
  }
};

// Packs [depth, columns] as [panels][depth][16], with zeros after the last column.
inline void pack_right(const void* context, std::int64_t batch) {
  const auto& work = *static_cast<const MatmulWork*>(context);
  const Matmul& matmul = *work.matmul;
  const Value* right = matrix(matmul.right, *work.bases, batch);
  Value* packed = work.packed_right(batch);
  for (std::int64_t column = 0; column < matmul.columns; column += kPanel) {
    const std::int64_t count = least(matmul.columns - column, kPanel);
    for (std::int64_t k = 0; k < matmul.depth; ++k, packed += kPanel) {
      const Value* row = right + k * matmul.right.stride + column * matmul.step;
      for (std::int64_t j = 0; j < kPanel; ++j) {
        packed[j] = j < count ? row[j * matmul.step] : Value(0.0f);
      }
    }
  }
}

inline void multiply_matrix_tile(const MatmulWork& work, std::int64_t batch, std::int64_t first,
                                 int rows) {
  const Matmul& matmul = *work.matmul;
  const Value* left = matrix(matmul.left, *work.bases, batch);
  const Value* pointers[kTileRows];
  for (int i = 0; i < rows; ++i) pointers[i] = left + (first + i) * matmul.left.stride;
  Value* output = values_at(*work.bases, matmul.output.space, matmul.output.offset) +
                  matmul.output.table[batch];
  alignas(64) Lane sums[kTileRows * kColumnsTogether];
  for (std::int64_t column = 0; column < matmul.columns; column += kColumnsTogether) {
    const std::int64_t count = least(matmul.columns - column, kColumnsTogether);
    const Value* packed = work.packed_right(batch) + column * matmul.depth;
    multiply_all(pointers, rows, matmul.depth, packed, count, sums, kColumnsTogether);
    for (int i = 0; i < rows; ++i) {
      scale_row(output + (first + i) * matmul.output.stride + column, sums + i * kColumnsTogether,
                matmul.scale, count);
    }
  }
}

inline void multiply_matrices(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const MatmulWork*>(context);
  const std::int64_t batch = index / work.row_blocks;
  const std::int64_t start = index % work.row_blocks * kQueryBlock;
  const std::int64_t stop = least(start + kQueryBlock, work.matmul->rows);
  for (std::int64_t first = start; first < stop; first += kTileRows) {
    multiply_matrix_tile(work, batch, first, static_cast<int>(least(stop - first, kTileRows)));
  }
}

inline void run(const Matmul& matmul, const Bases& bases) {
  const MatmulWork work{&matmul, &bases, packed_matrix_of(matmul),
                        quotient_up(matmul.rows, kQueryBlock)};
  share_out(matmul.batches, pack_right, &work);
  share_out(matmul.batches * work.row_blocks, multiply_matrices, &work);
}

}  // namespace
