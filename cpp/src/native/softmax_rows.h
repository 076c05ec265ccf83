// Softmax of each row. Included by each translation unit of operators.h, and nowhere else.
#pragma once

#include "reduction.h"

namespace {

using hvit_edge::native::Softmax;

inline float largest_in(const Value* row, std::int64_t count) {
  Wide most = all_wide(-kInfinity);
  std::int64_t c = 0;
  for (; c + kWideLanes <= count; c += kWideLanes) {
    most = larger(most, take(row + c, kWideLanes));
  }
  if (c < count) most = larger(most, last_lanes<Reduce::maximum>(row + c, count - c));
  return largest_of(most);
}

// Returns exp(x - most), for x of at most `most`.
inline Wide weight_of(Wide x, float most) {
  const Wide exponent = (x - most) * kLog2OfE;
  return chosen(exponent < all_wide(-125.0f), Wide{}, exp2_of(larger(exponent, all_wide(-125.0f))));
}

inline void soften_row(const Softmax& softmax, const Bases& bases, std::int64_t i) {
  const Value* input = row_of(softmax.input, bases, i);
  Value* output = row_of(softmax.output, bases, i);
  const std::int64_t count = softmax.columns;
  const float most = largest_in(input, count);
  float sum = 0;
  for (std::int64_t c = 0; c < count; c += kWideLanes) {
    Wide weight = weight_of(take(input + c, count - c), most);
    for (int lane = 0; count - c < kWideLanes && lane < kWideLanes; ++lane) {
      if (lane >= count - c) weight[lane] = 0.0f;
    }
    sum += sum_of(weight);
  }
  const float shift = softmax.log ? most + __builtin_logf(sum) : 0.0f;
  for (std::int64_t c = 0; c < count; c += kWideLanes) {
    const Wide x = take(input + c, count - c);
    put(output + c, softmax.log ? x - shift : weight_of(x, most) * (1.0f / sum), count - c);
  }
}

inline void run(const Softmax& softmax, const Bases& bases) {
  share_rows<Softmax, soften_row>(softmax, bases, softmax.rows, softmax.columns);
}

}  // namespace
