// The kernel of an int8 tile on Arm with matrix products (i8mm). One instruction multiplies eight
// codes of two rows by those of two columns and adds four sums: twice the work of a dot product.
//
//     weights  [depth / 8][8 pairs of columns][2 columns][8 codes]   (int8_pairs.h packs them)
//     codes    two rows side by side: eight codes of one, eight of the other
//     sums     [pairs of rows][8 pairs of columns][2 rows][2 columns]
//
// Six rows times sixteen columns have 24 registers of sums. Six more hold the codes, and two the
// weights. The sums start at minus the zero point times the totals, and become rows at the end.
// Only product_int8.h includes this file.
#pragma once

#include "tile_int8.h"
#include "vector.h"

namespace {

constexpr int kColumnPairs = static_cast<int>(kPanel) / 2;

// Returns the first or the last halves of two vectors.
template <int half>
inline Integers halves_of(Integers a, Integers b) {
  const int64x2_t first = vreinterpretq_s64_s32((int32x4_t)a);
  const int64x2_t second = vreinterpretq_s64_s32((int32x4_t)b);
  return (Integers)vreinterpretq_s32_s64(half == 0 ? vzip1q_s64(first, second)
                                                   : vzip2q_s64(first, second));
}

// It is written in assembly for the order of product_dot.h.
inline Integers add_square(Integers sum, int8x16_t codes, int8x16_t weights) {
  asm volatile("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(codes), "w"(weights));
  return sum;
}

// Adds eight codes of the pairs of rows times those of all columns.
template <int pairs>
__attribute__((always_inline)) inline void add_squares(Integers (&sum)[pairs][kColumnPairs],
                                                       const int8x16_t (&codes)[pairs],
                                                       const std::int8_t* weights) {
#pragma GCC unroll 8
  for (int j = 0; j < kColumnPairs; j += 2, weights += 32) {
    int8x16_t first, second;
#if defined(__clang__)
    first = vld1q_s8(weights);
    second = vld1q_s8(weights + 16);
#else
    asm volatile("ldp %q0, %q1, %2"
                 : "=w"(first), "=w"(second)
                 : "Ump"(*reinterpret_cast<const int8x16_t*>(weights)));
#endif
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      sum[i][j] = add_square(sum[i][j], codes[i], first);
      sum[i][j + 1] = add_square(sum[i][j + 1], codes[i], second);
    }
  }
}

// Returns four codes and four zeros.
inline int8x8_t four_of(const std::uint8_t* codes) {
  std::uint32_t four;
  __builtin_memcpy(&four, codes, sizeof(four));
  return vcreate_s8(four);
}

// Adds the last four codes; their weights are packed as for dot products.
template <int pairs>
__attribute__((always_inline)) inline void add_last_four(
    Integers (&sum)[pairs][kColumnPairs], const std::uint8_t* const (&row)[2 * pairs],
    std::int64_t k, const std::int8_t* weights) {
#pragma GCC unroll 8
  for (int j = 0; j < kColumnPairs; j += 2) {
    const int32x4_t four = vreinterpretq_s32_s8(vld1q_s8(weights + 8 * j));
    const int8x16_t first = vreinterpretq_s8_s32(vzip1q_s32(four, vdupq_n_s32(0)));
    const int8x16_t second = vreinterpretq_s8_s32(vzip2q_s32(four, vdupq_n_s32(0)));
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      const int8x16_t codes = vcombine_s8(four_of(row[2 * i] + k), four_of(row[2 * i + 1] + k));
      sum[i][j] = add_square(sum[i][j], codes, first);
      sum[i][j + 1] = add_square(sum[i][j + 1], codes, second);
    }
  }
}

// Adds the products of `depth` codes of each row; `weights` moves past those of the last one.
template <int pairs>
__attribute__((always_inline)) inline void add_row_pairs(
    Integers (&sum)[pairs][kColumnPairs], const std::uint8_t* const (&row)[2 * pairs],
    std::int64_t depth, const std::int8_t*& weights) {
  std::int64_t k = 0;
#if !defined(__clang__)  // it would keep some of the sums in memory
  int8x16_t low[pairs], high[pairs];
  for (; k + 16 <= depth; k += 16, weights += 16 * kPanel) {
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      const uint64x2_t first = vreinterpretq_u64_u8(vld1q_u8(row[2 * i] + k));
      const uint64x2_t second = vreinterpretq_u64_u8(vld1q_u8(row[2 * i + 1] + k));
      low[i] = vreinterpretq_s8_u64(vzip1q_u64(first, second));
      high[i] = vreinterpretq_s8_u64(vzip2q_u64(first, second));
    }
    add_squares(sum, low, weights);
    add_squares(sum, high, weights + 8 * kPanel);
  }
#endif
  for (; k + 8 <= depth; k += 8, weights += 8 * kPanel) {
    int8x16_t codes[pairs];
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      codes[i] =
          vreinterpretq_s8_u8(vcombine_u8(vld1_u8(row[2 * i] + k), vld1_u8(row[2 * i + 1] + k)));
    }
    add_squares(sum, codes, weights);
  }
  if (k < depth) {
    add_last_four(sum, row, k, weights);
    weights += 4 * kPanel;
  }
}

// Sets the start of the sums: the totals, times minus the zero points.
template <int rows, int pairs>
__attribute__((always_inline)) inline void start_pairs(Integers (&sum)[pairs][kColumnPairs],
                                                       const Scaling& scaling) {
  Integers zero[pairs];
#pragma GCC unroll 8
  for (int i = 0; i < pairs; ++i) {
    const auto first = static_cast<std::int32_t>(scaling.ranges[2 * i].zero);
    const int last = 2 * i + 1 < rows ? 2 * i + 1 : 2 * i;
    const auto second = static_cast<std::int32_t>(scaling.ranges[last].zero);
    zero[i] = halves_of<0>((Integers)vdupq_n_s32(-first), (Integers)vdupq_n_s32(-second));
  }
#pragma GCC unroll 8
  for (int j = 0; j < kColumnPairs; j += 2) {
    const Integers four = __builtin_convertvector(load(scaling.totals + 2 * j), Integers);
    const Integers first = halves_of<0>(four, four), second = halves_of<1>(four, four);
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      sum[i][j] = first * zero[i];
      sum[i][j + 1] = second * zero[i];
    }
  }
}

// Computes the sums of a tile, row by row. If there is no second row, the last one is taken twice.
template <int rows>
__attribute__((always_inline)) inline void multiply_pairs(Integers (&sum)[rows][kColumnPairs / 2],
                                                          const TileCodes& input,
                                                          const std::int8_t*& weights,
                                                          const Scaling& scaling) {
  constexpr int pairs = (rows + 1) / 2;
  Integers square[pairs][kColumnPairs];
  start_pairs<rows>(square, scaling);
  for (std::int64_t tap = 0; tap < input.taps; ++tap) {
    const std::uint8_t* row[2 * pairs];
#pragma GCC unroll 8
    for (int i = 0; i < 2 * pairs; ++i) {
      row[i] = input.rows[tap * kInt8Rows + (i < rows ? i : rows - 1)];
    }
    add_row_pairs<pairs>(square, row, input.depth, weights);
  }
#pragma GCC unroll 8
  for (int j = 0; j < kColumnPairs; j += 2) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const Integers* of = square[i / 2] + j;
      sum[i][j / 2] = i % 2 == 0 ? halves_of<0>(of[0], of[1]) : halves_of<1>(of[0], of[1]);
    }
  }
}

}  // namespace
