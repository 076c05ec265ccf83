// Sums, extremes and norms of rows: column by column, or of all values of some rows. Included by
// each translation unit of operators.h, and nowhere else.
#pragma once

#include "by_rows.h"
#include "functions.h"

namespace {

using hvit_edge::native::Reduce;
using hvit_edge::native::Reduction;

constexpr float kInfinity = __builtin_inff();

/// Returns the initial value that all values are compared with or added to.
template <Reduce kind>
constexpr float start_of() {
  if (kind == Reduce::maximum) return -kInfinity;
  return kind == Reduce::minimum ? kInfinity : 0.0f;
}

template <Reduce kind>
Wide reduced(Wide so_far, Wide value) {
  if constexpr (kind == Reduce::sum) return so_far + value;
  if constexpr (kind == Reduce::maximum) return larger(so_far, value);
  if constexpr (kind == Reduce::minimum) return smaller(so_far, value);
  return so_far + value * value;
}

template <Reduce kind>
Wide finished_reduction(const Reduction& reduction, Wide value) {
  if constexpr (kind == Reduce::maximum || kind == Reduce::minimum) return value;
  if constexpr (kind == Reduce::sum) return value * reduction.scale;
  value = value * reduction.scale + reduction.eps;
  if constexpr (kind == Reduce::squares) return value;
  const Wide root = by_lane<sqrt_one>(value);
  return kind == Reduce::root ? root : 1.0f / root;
}

template <Reduce kind>
void reduce_columns(const Reduction& reduction, const Bases& bases, std::int64_t group) {
  Value* output = row_of(reduction.output, bases, group);
  for (std::int64_t c = 0; c < reduction.columns; c += kWideLanes) {
    const std::int64_t rest = reduction.columns - c;
    Wide value = all_wide(start_of<kind>());
    for (std::int64_t i = 0; i < reduction.count; ++i) {
      const Value* row = row_of(reduction.input, bases, group * reduction.count + i);
      value = reduced<kind>(value, take(row + c, rest));
    }
    put(output + c, finished_reduction<kind>(reduction, value), rest);
  }
}

// Loads the last lanes of a row; lanes beyond `count` get the initial value.
template <Reduce kind>
Wide last_lanes(const Value* from, std::int64_t count) {
  Wide value = take(from, count);
  for (int i = 0; i < kWideLanes; ++i) {
    if (i >= count) value[i] = start_of<kind>();
  }
  return value;
}

template <Reduce kind>
float across_lanes(Wide value) {
  if (kind == Reduce::maximum) return largest_of(value);
  if (kind == Reduce::minimum) return -largest_of(-value);
  return sum_of(value);
}

template <Reduce kind>
void reduce_rows(const Reduction& reduction, const Bases& bases, std::int64_t group) {
  Wide value = all_wide(start_of<kind>());
  for (std::int64_t i = 0; i < reduction.count; ++i) {
    const Value* row = row_of(reduction.input, bases, group * reduction.count + i);
    std::int64_t c = 0;
    for (; c + kWideLanes <= reduction.columns; c += kWideLanes) {
      value = reduced<kind>(value, take(row + c, kWideLanes));
    }
    if (c < reduction.columns) {
      value = reduced<kind>(value, last_lanes<kind>(row + c, reduction.columns - c));
    }
  }
  const Wide whole = all_wide(across_lanes<kind>(value));
  put(row_of(reduction.output, bases, group), finished_reduction<kind>(reduction, whole), 1);
}

template <Reduce kind>
void reduce_all(const Reduction& reduction, const Bases& bases) {
  const std::int64_t values = reduction.count * reduction.columns;
  if (reduction.across) {
    share_rows<Reduction, reduce_rows<kind>>(reduction, bases, reduction.groups, values);
  } else {
    share_rows<Reduction, reduce_columns<kind>>(reduction, bases, reduction.groups, values);
  }
}

inline void run(const Reduction& reduction, const Bases& bases) {
  switch (reduction.kind) {
    case Reduce::sum:
      return reduce_all<Reduce::sum>(reduction, bases);
    case Reduce::maximum:
      return reduce_all<Reduce::maximum>(reduction, bases);
    case Reduce::minimum:
      return reduce_all<Reduce::minimum>(reduction, bases);
    case Reduce::squares:
      return reduce_all<Reduce::squares>(reduction, bases);
    case Reduce::root:
      return reduce_all<Reduce::root>(reduction, bases);
    case Reduce::inverse_root:
      return reduce_all<Reduce::inverse_root>(reduction, bases);
  }
}

}  // namespace
