// Operations on rows by themselves: norms, sums, means, copies. Included by each translation unit
// of operators.h alone.
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

/// Rows of an operation, in jobs of some thousand values.
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

// The sum of (row[i] - shift)^power for power 1 or 2.
template <int power>
float sum_row(const float* row, std::int64_t count, float shift) {
  Vector sums{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vector value = load(row + i) - shift;
    sums += power == 2 ? value * value : value;
  }
  float sum = sum_of(sums);
  for (; i < count; ++i) sum += power == 2 ? (row[i] - shift) * (row[i] - shift) : row[i] - shift;
  return sum;
}

inline void normalise(const LayerNorm& norm, const Bases& bases, std::int64_t i) {
  const float* input = row_of(norm.input, bases, i);
  float* output = row_of(norm.output, bases, i);
  const float share = 1.0f / static_cast<float>(norm.columns);
  const float mean = sum_row<1>(input, norm.columns, 0.0f) * share;
  const float variance = sum_row<2>(input, norm.columns, mean) * share;
  const float scale = 1.0f / __builtin_sqrtf(variance + norm.eps);
  for (std::int64_t c = 0; c < norm.columns; c += kLanes) {
    const std::int64_t left = norm.columns - c;
    Vector value = (load_some(input + c, left) - mean) * scale;
    if (norm.gamma != nullptr) value *= load_some(norm.gamma + c, left);
    if (norm.beta != nullptr) value += load_some(norm.beta + c, left);
    store_some(output + c, value, left);
  }
  activate_all(norm.activation, output, norm.columns);
}

inline void run(const LayerNorm& norm, const Bases& bases) {
  share_rows<LayerNorm, normalise>(norm, bases, norm.rows, norm.columns);
}

inline void add_rows(const Add& add, const Bases& bases, std::int64_t i) {
  const float* left = row_of(add.left, bases, i);
  const float* right = add.right.space == Space::none ? nullptr : row_of(add.right, bases, i);
  float* output = row_of(add.output, bases, i);
  for (std::int64_t c = 0; c < add.columns; c += kLanes) {
    const std::int64_t rest = add.columns - c;
    Vector value = load_some(left + c, rest) * add.alpha;
    if (right != nullptr) value += load_some(right + c, rest) * add.beta;
    store_some(output + c, value, rest);
  }
  activate_all(add.activation, output, add.columns);
}

inline void run(const Add& add, const Bases& bases) {
  share_rows<Add, add_rows>(add, bases, add.rows, add.columns);
}

inline void average(const Mean& mean, const Bases& bases, std::int64_t group) {
  float* output = row_of(mean.output, bases, group);
  const float share = 1.0f / static_cast<float>(mean.count);
  for (std::int64_t c = 0; c < mean.columns; c += kLanes) {
    const std::int64_t rest = mean.columns - c;
    Vector sum{};
    for (std::int64_t i = 0; i < mean.count; ++i) {
      sum += load_some(row_of(mean.input, bases, group * mean.count + i) + c, rest);
    }
    store_some(output + c, sum * share, rest);
  }
}

inline void run(const Mean& mean, const Bases& bases) {
  share_rows<Mean, average>(mean, bases, mean.groups, mean.count * mean.columns);
}

inline void pad_plane(const Pad& pad, const Bases& bases, std::int64_t channel) {
  const std::int64_t width = pad.width + 2 * pad.pad_width;
  const std::int64_t height = pad.height + 2 * pad.pad_height;
  const float* input = bases.at(pad.space, pad.offset) + channel * pad.height * pad.width;
  float* output = bases.at(Space::arena, pad.output) + channel * height * width;
  for (std::int64_t i = 0; i < height * width; ++i) output[i] = 0.0f;
  for (std::int64_t y = 0; y < pad.height; ++y) {
    copy_row(output + (y + pad.pad_height) * width + pad.pad_width, input + y * pad.width,
             pad.width);
  }
}

inline void run(const Pad& pad, const Bases& bases) {
  share_rows<Pad, pad_plane>(pad, bases, pad.channels, kValuesOfJob);
}

inline void gather_one(const Gather& gather, const Bases& bases, std::int64_t i) {
  bases.at(Space::arena, gather.output)[i] = bases.at(gather.space, gather.offset)[gather.table[i]];
}

inline void run(const Gather& gather, const Bases& bases) {
  share_rows<Gather, gather_one>(gather, bases, gather.count, 1);
}

}  // namespace
