// The kernel of a tile on Arm: a register has a few values of one row, and each of them multiplies
// a row of the weights. Only product.h includes this file.
#pragma once

#include "vector.h"

namespace {

// sum + value[lane] * weights. In assembly: given intrinsics, GCC copies lanes of float16 first,
// and keeps a few sums of float32 in memory. Lanes of float16 must be in the first sixteen.
template <int lane>
inline Vector add_lane_product(Vector sum, Vector weights, Vector value) {
#if defined(HVIT_EDGE_HALF_LANES)
  asm("fmla %0.8h, %1.8h, %2.h[%3]" : "+w"(sum) : "w"(weights), "x"(value), "i"(lane));
  return sum;
#else
  asm("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(sum) : "w"(weights), "w"(value), "i"(lane));
  return sum;
#endif
}

// Adds values[i][lane] * weights to sum[i], two weights at a time: more would not fit in registers.
template <int lane, int rows, int vectors>
inline void add_products(Vector (&sum)[rows][vectors], const Vector (&values)[rows],
                         const Value* weights) {
  constexpr int together = vectors < 2 ? 1 : 2;
#pragma GCC unroll 2
  for (int j = 0; j < vectors; j += together) {
    Vector weight[together];
    for (int t = 0; t < together; ++t) weight[t] = load(weights + (j + t) * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      for (int t = 0; t < together; ++t) {
        sum[i][j + t] = add_lane_product<lane>(sum[i][j + t], weight[t], values[i]);
      }
    }
  }
}

// Does the same for every lane from `lane` on.
template <int lane, int rows, int vectors>
inline void add_lanes(Vector (&sum)[rows][vectors], const Vector (&values)[rows],
                      const Value* weights) {
  add_products<lane>(sum, values, weights);
  if constexpr (lane + 1 < kLanes) add_lanes<lane + 1>(sum, values, weights + kPanel);
}

// The products of `depth` values of each row; `weights` moves past those of the last one.
template <int rows, int vectors>
inline void add_row_products(Vector (&sum)[rows][vectors], const Value* const (&row)[rows],
                             std::int64_t depth, const Value*& weights) {
  Vector values[rows];
  std::int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes, weights += kLanes * kPanel) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) values[i] = load(row[i] + k);
    add_lanes<0>(sum, values, weights);
  }
  for (; k < depth; ++k, weights += kPanel) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) values[i] = all(row[i][k]);
    add_products<0>(sum, values, weights);
  }
}

}  // namespace
