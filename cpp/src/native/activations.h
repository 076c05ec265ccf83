// exp, SiLU and GELU of vectors. Included by each translation unit of operators.h alone.
#pragma once

#include "exponential.h"
#include "functions.h"
#include "operations.h"
#include "values.h"

namespace {

using hvit_edge::native::Activation;

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

// Whether it is one of those that no kernel is compiled for: they are applied after a kernel.
inline bool is_applied_later(Activation kind) { return kind >= Activation::sigmoid; }

// One of those, of `count` lanes or values in place.
template <class Number>
void apply_later(Activation kind, Number* values, std::int64_t count) {
  const int later = static_cast<int>(kind) - static_cast<int>(Activation::sigmoid);
  apply_function({static_cast<Function>(later), 0.0f, 6.0f}, values, values, count);
}

// `count` values in place.
inline void activate_all(Activation kind, Value* values, std::int64_t count) {
  if (is_applied_later(kind)) apply_later(kind, values, count);
  if (kind == Activation::relu) activate_values<Activation::relu>(values, count);
  if (kind == Activation::silu) activate_values<Activation::silu>(values, count);
  if (kind == Activation::gelu) activate_values<Activation::gelu>(values, count);
}

}  // namespace
