// The kernel of an int8 tile in WebAssembly. A product adds pairs of 16-bit numbers, so that each
// column has two sums, which are added at the end. Only product_int8.h includes this file.
#pragma once

#include "vector.h"

namespace {

/// Sums of the first and of the last two of each four products, for one vector of columns.
struct PairSums {
  v128_t low, high;  // of two columns each

  void add(v128_t low_weights, v128_t high_weights, v128_t codes) {
    low = wasm_i32x4_add(low, wasm_i32x4_dot_i16x8(low_weights, codes));
    high = wasm_i32x4_add(high, wasm_i32x4_dot_i16x8(high_weights, codes));
  }
  Integers total() const {
    return (Integers)wasm_i32x4_add(wasm_i32x4_shuffle(low, high, 0, 2, 4, 6),
                                    wasm_i32x4_shuffle(low, high, 1, 3, 5, 7));
  }
};

// The products of `depth` codes of each row, for the columns of two vectors: more sums would not
// fit in the registers of x86.
template <int rows>
__attribute__((always_inline)) inline void add_pair_dots(Integers (&sum)[rows][4], int first,
                                                         const std::uint8_t* const (&row)[rows],
                                                         std::int64_t depth,
                                                         const std::int8_t* weights) {
  PairSums sums[rows][2] = {};
  for (std::int64_t k = 0; k < depth; k += 4, weights += 64) {
    v128_t codes[rows];
#pragma GCC unroll 2
    for (int i = 0; i < rows; ++i) {
      codes[i] = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(row[i] + k));
    }
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      const v128_t low = wasm_i16x8_load8x8(weights + 16 * j);
      const v128_t high = wasm_i16x8_load8x8(weights + 16 * j + 8);
#pragma GCC unroll 2
      for (int i = 0; i < rows; ++i) sums[i][j].add(low, high, codes[i]);
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < rows; ++i) {
    sum[i][first] += sums[i][0].total();
    sum[i][first + 1] += sums[i][1].total();
  }
}

// Does the same for all columns of a panel; `weights` moves past those of the last code.
template <int rows>
inline void add_row_dots(Integers (&sum)[rows][4], const std::uint8_t* const (&row)[rows],
                         std::int64_t depth, const std::int8_t*& weights) {
  add_pair_dots<rows>(sum, 0, row, depth, weights);
  add_pair_dots<rows>(sum, 2, row, depth, weights + 32);
  weights += depth * 16;
}

}  // namespace
