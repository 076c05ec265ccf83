// exp, SiLU and GELU of vectors. Included by each translation unit of operators.h, and nowhere
// else.
#pragma once

#include <type_traits>

#include "exponential.h"
#include "functions.h"
#include "operations.h"
#include "values.h"

namespace {

using hvit_edge::native::activating;
using hvit_edge::native::Activation;
using hvit_edge::native::Fused;

}  // namespace

#if defined(HVIT_EDGE_HALF_LANES)
#include "activations_half.h"
#else
#include "activations_wide.h"
#endif

namespace {

template <Fused kind, Accuracy accuracy>
Vector activate(Vector x) {
  switch (kind) {
    case Fused::none:
      return x;
    case Fused::relu:
      return larger(x, Vector{});
    case Fused::silu:
      return silu_of<accuracy>(x);
    case Fused::gelu:
      return gelu_of<accuracy>(x);
    case Fused::hardswish:
      return x * (smaller(larger(x + all(3.0f), Vector{}), all(6.0f)) * all(1.0f / 6.0f));
    case Fused::relu6:
      return smaller(larger(x, Vector{}), all(6.0f));
  }
}

constexpr bool has_rough_form(Fused kind) { return kind == Fused::silu || kind == Fused::gelu; }

// Returns float32 for activations that do not depend on the accuracy, so that each kernel is
// compiled once for them.
template <Accuracy accuracy, Fused... kinds>
constexpr Accuracy accuracy_for() {
  return (has_rough_form(kinds) || ...) ? accuracy : Accuracy::float32;
}

template <Fused kind>
using Constant = std::integral_constant<Fused, kind>;

// Calls `call` with the constant of `kind`.
template <class Call>
void with_constant(Fused kind, const Call& call) {
  switch (kind) {
    case Fused::none:
      return call(Constant<Fused::none>{});
    case Fused::relu:
      return call(Constant<Fused::relu>{});
    case Fused::silu:
      return call(Constant<Fused::silu>{});
    case Fused::gelu:
      return call(Constant<Fused::gelu>{});
    case Fused::hardswish:
      return call(Constant<Fused::hardswish>{});
    case Fused::relu6:
      return call(Constant<Fused::relu6>{});
  }
}

template <Fused kind>
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

// Returns true if no kernel is compiled for this activation: it is applied after the kernel.
inline bool is_applied_later(Activation kind) { return activating(kind).later; }

// Applies such an activation to `count` lanes or values in place.
template <class Number>
void apply_later(Activation kind, Number* values, std::int64_t count) {
  apply_function({activating(kind).function, 0.0f, 0.0f}, values, values, count);
}

// Applies any activation to `count` values in place.
inline void activate_all(Activation kind, Value* values, std::int64_t count) {
  if (is_applied_later(kind)) return apply_later(kind, values, count);
  with_constant(activating(kind).fused, [&](auto fused) {
    if constexpr (fused != Fused::none) activate_values<fused>(values, count);
  });
}

}  // namespace
