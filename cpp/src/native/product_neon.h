// The kernel of a tile on Arm: four values of each row in one register, whose lanes multiply the
// weights. Included by product.h alone.
#pragma once

#include "vector.h"

namespace {

// sum[i] += values[i][lane] * weights, the weights in pairs: more would not fit in the registers.
template <int lane, int rows>
inline void add_products(Vector (&sum)[rows][4], const Vector (&values)[rows],
                         const float* weights) {
#pragma GCC unroll 2
  for (int j = 0; j < 4; j += 2) {
    const Vector first = load(weights + j * kLanes);
    const Vector second = load(weights + (j + 1) * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      sum[i][j] = vfmaq_laneq_f32(sum[i][j], first, values[i], lane);
      sum[i][j + 1] = vfmaq_laneq_f32(sum[i][j + 1], second, values[i], lane);
    }
  }
}

// The products of `depth` values of each row; `weights` moves behind those of the last one.
template <int rows>
inline void add_row_products(Vector (&sum)[rows][4], const float* const (&row)[rows],
                             std::int64_t depth, const float*& weights) {
  Vector values[rows];
  std::int64_t k = 0;
  for (; k + 4 <= depth; k += 4, weights += 4 * 16) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) values[i] = load(row[i] + k);
    add_products<0>(sum, values, weights);
    add_products<1>(sum, values, weights + 16);
    add_products<2>(sum, values, weights + 32);
    add_products<3>(sum, values, weights + 48);
  }
  for (; k < depth; ++k, weights += 16) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) values[i] = vld1q_dup_f32(row[i] + k);
    add_products<0>(sum, values, weights);
  }
}

}  // namespace
