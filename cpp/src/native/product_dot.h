// The kernel of an int8 tile on Arm with dot products. One register has sixteen codes of a row,
// whose lanes of four multiply the weights. Only product_int8.h includes this file.
#pragma once

#include "vector.h"

namespace {

// Returns sum + four codes times those of each lane of the weights. It is written in assembly,
// because the registers suffice for six rows only in this order.
template <int lane>
inline Integers add_dot(Integers sum, int8x16_t weights, int8x16_t codes) {
  asm volatile("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(weights), "w"(codes), "i"(lane));
  return sum;
}

// Adds four codes of row i times those of two vectors of weights to sum[i][j] and sum[i][j + 1].
template <int lane, int rows>
inline void add_pair(Integers (&sum)[rows][4], int j, const int8x16_t (&codes)[rows],
                     const std::int8_t* weights) {
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
  for (int i = 0; i < rows; ++i) {
    sum[i][j] = add_dot<lane>(sum[i][j], first, codes[i]);
    sum[i][j + 1] = add_dot<lane>(sum[i][j + 1], second, codes[i]);
  }
}

// Adds four codes of row i times those of the weights to sum[i].
template <int lane, int rows>
inline void add_dots(Integers (&sum)[rows][4], const int8x16_t (&codes)[rows],
                     const std::int8_t* weights) {
  add_pair<lane>(sum, 0, codes, weights);
  add_pair<lane>(sum, 2, codes, weights + 32);
}

// The products of `depth` codes of each row; `weights` moves past those of the last one.
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
  for (; k + 8 <= depth; k += 8, weights += 2 * 64) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      codes[i] = vreinterpretq_s8_u8(vcombine_u8(vld1_u8(row[i] + k), vdup_n_u8(0)));
    }
    add_dots<0>(sum, codes, weights);
    add_dots<1>(sum, codes, weights + 64);
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
