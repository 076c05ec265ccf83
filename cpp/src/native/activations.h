// exp, SiLU and GELU of vectors. Included by each translation unit of operators.h alone.
#pragma once

#include "operations.h"
#include "values.h"

namespace {

using hvit_edge::native::Activation;

/// How exact activations of float32 lanes are: to about one unit in the last place of the largest
/// result, or to 3e-4, which is lost in the steps of int8 codes.
enum class Accuracy { float32, codes };

constexpr float kLog2OfE = 1.44269504f;

}  // namespace

#if defined(HVIT_EDGE_HALF_LANES)
#include "activations_half.h"
#else
#include "activations_wide.h"
#endif

namespace {

template <Activation kind, Accuracy accuracy>
Vector activate(Vector x) {
  if (kind == Activation::relu) return larger(x, Vector{});
  if (kind == Activation::silu) return silu_of<accuracy>(x);
  if (kind == Activation::gelu) return gelu_of<accuracy>(x);
  return x;
}

template <Activation kind>
void activate_values(Value* values, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(values + i, activate<kind, Accuracy::float32>(load(values + i)));
  }
  if (i < count) {
    const Vector rest = load_first(values + i, count - i);
    store_first(values + i, activate<kind, Accuracy::float32>(rest), count - i);
  }
}

// `count` values in place.
inline void activate_all(Activation kind, Value* values, std::int64_t count) {
  if (kind == Activation::relu) activate_values<Activation::relu>(values, count);
  if (kind == Activation::silu) activate_values<Activation::silu>(values, count);
  if (kind == Activation::gelu) activate_values<Activation::gelu>(values, count);
}

}  // namespace
