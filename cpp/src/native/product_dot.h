// The kernel of an int8 tile on Arm with dot products: sixteen codes of each row in one register,
// whose lanes of four multiply the weights. Included by product_int8.h alone.
#pragma once

#include "vector.h"

namespace {

// sum[i] += four codes of row i times those of the weights, the weights in pairs: more would not
// fit in the registers.
template <int lane, int rows>
inline void add_dots(Integers (&sum)[rows][4], const int8x16_t (&codes)[rows],
                     const std::int8_t* weights) {
#pragma GCC unroll 2
  for (int j = 0; j < 4; j += 2) {
    const int8x16_t first = vld1q_s8(weights + j * 16);
    const int8x16_t second = vld1q_s8(weights + (j + 1) * 16);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      sum[i][j] = vdotq_laneq_s32(sum[i][j], first, codes[i], lane);
      sum[i][j + 1] = vdotq_laneq_s32(sum[i][j + 1], second, codes[i], lane);
    }
  }
}

// The products of `depth` codes of each row; `weights` moves behind those of the last one.
template <int rows>
inline void add_row_dots(Integers (&sum)[rows][4], const std::uint8_t* const (&row)[rows],
                         std::int64_t depth, const std::int8_t*& weights) {
  int8x16_t codes[rows];
  std::int64_t k = 0;
  for (; k + 16 <= depth; k += 16, weights += 4 * 64) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) codes[i] = vreinterpretq_s8_u8(vld1q_u8(row[i] + k));
    add_dots<0>(sum, codes, weights);
    add_dots<1>(sum, codes, weights + 64);
    add_dots<2>(sum, codes, weights + 128);
    add_dots<3>(sum, codes, weights + 192);
  }
  for (; k < depth; k += 4, weights += 64) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      std::int32_t four;
      __builtin_memcpy(&four, row[i] + k, sizeof(four));
      codes[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
    }
    add_dots<0>(sum, codes, weights);
  }
}

}  // namespace
