// Operations on single rows: norms, sums, means, copies. Included by each translation unit of
// operators.h, and nowhere else.
#pragma once

#include "epilogue.h"
#include "linear.h"

namespace {

using hvit_edge::native::Add;
using hvit_edge::native::Gather;
using hvit_edge::native::LayerNorm;
using hvit_edge::native::Mean;
using hvit_edge::native::Pad;

constexpr std::int64_t kValuesOfJob = 16 * 1024;

/// The rows of an operation, in jobs of a few thousand values.
template <class Operation>
struct RowWork {
  const Operation* operation;
  const Bases* bases;
  std::int64_t rows, rows_of_job;
};

template <class Operation, void (*one)(const Operation&, const Bases&, std::int64_t)>
void run_rows(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const RowWork<Operation>*>(context);
  const std::int64_t start = index * work.rows_of_job;
  const std::int64_t end = start + work.rows_of_job;
  for (std::int64_t i = start; i < end && i < work.rows; ++i) one(*work.operation, *work.bases, i);
}

template <class Operation, void (*one)(const Operation&, const Bases&, std::int64_t)>
void share_rows(const Operation& operation, const Bases& bases, std::int64_t rows,
                std::int64_t columns) {
  const std::int64_t together = columns < kValuesOfJob ? kValuesOfJob / columns : 1;
  const RowWork<Operation> work{&operation, &bases, rows, together};
  share_out(quotient_up(rows, together), run_rows<Operation, one>, &work);
}

/// The mean of a row, and the mean square of its deviations, both in float32.
struct Moments {
  float mean, variance;
};

#if defined(HVIT_EDGE_HALF_LANES)
// Adds squares instead of deviations: what that loses, float16 values did not have.
inline Moments moments_of(const Value* row, std::int64_t count) {
  Wide sums[kWides] = {}, squares[kWides] = {};
  const auto add = [&](Vector vector) {
    Wide values[kWides];
    split(vector, values);
    for (int w = 0; w < kWides; ++w) {
      sums[w] += values[w];
      squares[w] += values[w] * values[w];
    }
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) add(load(row + i));
  if (i < count) add(load_first(row + i, count - i));
  const float share = 1.0f / static_cast<float>(count);
  const float mean = sum_of(sums[0] + sums[1]) * share;
  const float variance = sum_of(squares[0] + squares[1]) * share - mean * mean;
  return {mean, variance > 0.0f ? variance : 0.0f};
}
#else
// Returns the sum of (row[i] - shift)^power for power 1 or 2.
template <int power>
float sum_row(const Value* row, std::int64_t count, float shift) {
  Vector sums{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vector value = load(row + i) - shift;
    sums += power == 2 ? value * value : value;
  }
  float sum = sum_of(sums);
  for (; i < count; ++i) {
    const float value = static_cast<float>(row[i]) - shift;
    sum += power == 2 ? value * value : value;
  }
  return sum;
}

inline Moments moments_of(const Value* row, std::int64_t count) {
  const float share = 1.0f / static_cast<float>(count);
  const float mean = sum_row<1>(row, count, 0.0f) * share;
  return {mean, sum_row<2>(row, count, mean) * share};
}
#endif

inline void normalise(const LayerNorm& norm, const Bases& bases, std::int64_t i) {
  const Value* input = row_of(norm.input, bases, i);
  Value* output = row_of(norm.output, bases, i);
  const Value* gamma = values_of(norm.gamma);
  const Value* beta = values_of(norm.beta);
  const Moments moments = moments_of(input, norm.columns);
  const float scale = 1.0f / __builtin_sqrtf(moments.variance + norm.eps);
  const auto normalised = [&](Vector value) {
    Wide values[kWides];
    split(value, values);
    for (int w = 0; w < kWides; ++w) values[w] = (values[w] - moments.mean) * scale;
    return joined(values);
  };
  const bool plain = norm.gamma == nullptr && norm.beta == nullptr;
  std::int64_t c = 0;
  for (; plain && c + kLanes <= norm.columns; c += kLanes) {
    store(output + c, normalised(load(input + c)));
  }
  for (; c < norm.columns; c += kLanes) {
    const std::int64_t left = norm.columns - c;
    Vector value = normalised(load_some(input + c, left));
    if (gamma != nullptr) value *= load_some(gamma + c, left);
    if (beta != nullptr) value += load_some(beta + c, left);
    store_some(output + c, value, left);
  }
  activate_all(norm.activation, output, norm.columns);
}

inline void run(const LayerNorm& norm, const Bases& bases) {
  share_rows<LayerNorm, normalise>(norm, bases, norm.rows, norm.columns);
}

inline void add_rows(const Add& add, const Bases& bases, std::int64_t i) {
  const Value* left = row_of(add.left, bases, i);
  const Value* right = add.right.space == Space::none ? nullptr : row_of(add.right, bases, i);
  Value* output = row_of(add.output, bases, i);
  const Vector alpha = all(add.alpha), beta = all(add.beta);
  for (std::int64_t c = 0; c < add.columns; c += kLanes) {
    const std::int64_t rest = add.columns - c;
    Vector value = load_some(left + c, rest) * alpha;
    if (right != nullptr) value += load_some(right + c, rest) * beta;
    store_some(output + c, value, rest);
  }
  activate_all(add.activation, output, add.columns);
}

inline void run(const Add& add, const Bases& bases) {
  share_rows<Add, add_rows>(add, bases, add.rows, add.columns);
}

inline void average(const Mean& mean, const Bases& bases, std::int64_t group) {
  Value* output = row_of(mean.output, bases, group);
  const float share = 1.0f / static_cast<float>(mean.count);
  for (std::int64_t c = 0; c < mean.columns; c += kWideLanes) {
    const std::int64_t rest = mean.columns - c;
    Wide sum{};
    for (std::int64_t i = 0; i < mean.count; ++i) {
      sum += load_wide_some(row_of(mean.input, bases, group * mean.count + i) + c, rest);
    }
    store_wide_some(output + c, sum * share, rest);
  }
}

inline void run(const Mean& mean, const Bases& bases) {
  share_rows<Mean, average>(mean, bases, mean.groups, mean.count * mean.columns);
}

inline void pad_plane(const Pad& pad, const Bases& bases, std::int64_t channel) {
  const std::int64_t width = pad.width + 2 * pad.pad_width;
  const std::int64_t height = pad.height + 2 * pad.pad_height;
  const Value* input = values_at(bases, pad.space, pad.offset) + channel * pad.height * pad.width;
  Value* output = values_at(bases, Space::arena, pad.output) + channel * height * width;
  for (std::int64_t i = 0; i < height * width; ++i) output[i] = Value(0.0f);
  for (std::int64_t y = 0; y < pad.height; ++y) {
    copy_row(output + (y + pad.pad_height) * width + pad.pad_width, input + y * pad.width,
             pad.width);
  }
}

inline void run(const Pad& pad, const Bases& bases) {
  share_rows<Pad, pad_plane>(pad, bases, pad.channels, kValuesOfJob);
}

inline void gather_one(const Gather& gather, const Bases& bases, std::int64_t i) {
  values_at(bases, Space::arena, gather.output)[i] =
      values_at(bases, gather.space, gather.offset)[gather.table[i]];
}

inline void run(const Gather& gather, const Bases& bases) {
  share_rows<Gather, gather_one>(gather, bases, gather.count, 1);
}

}  // namespace
