// Functions of one number, computed in float32 lanes. Included by each translation unit of
// operators.h, and nowhere else.
#pragma once

#include "exponential.h"
#include "operations.h"
#include "operators.h"

namespace {

using hvit_edge::native::Function;

/// A function and its parameters.
struct FunctionOf {
  Function kind;
  float a, b;
};

// Load and store up to a full vector of float32 lanes, whatever the numbers are in memory.
inline Wide take(const Value* from, std::int64_t count) { return load_wide_some(from, count); }
inline void put(Value* to, Wide value, std::int64_t count) { store_wide_some(to, value, count); }
#if defined(HVIT_EDGE_HALF)
inline Wide take(const float* from, std::int64_t count) {
  return count >= kWideLanes ? load(from) : load_first(from, count);
}
inline void put(float* to, Wide value, std::int64_t count) {
  if (count >= kWideLanes) {
    store(to, value);
  } else {
    store_first(to, value, count);
  }
}
#endif

inline Wide chosen(Integers mask, Wide yes, Wide no) {
  return (Wide)((mask & (Integers)yes) | (~mask & (Integers)no));
}

inline Wide magnitude(Wide x) { return (Wide)((Integers)x & 0x7fffffff); }

inline Wide clamped(Wide x, float low, float high) {
  return smaller(larger(x, all_wide(low)), all_wide(high));
}

// Applies a function of the C library lane by lane.
template <float (*one)(float)>
Wide by_lane(Wide x) {
  for (int i = 0; i < kWideLanes; ++i) x[i] = one(x[i]);
  return x;
}

inline float log_one(float x) { return __builtin_logf(x); }
inline float log1p_one(float x) { return __builtin_log1pf(x); }
inline float expm1_one(float x) { return __builtin_expm1f(x); }
inline float sqrt_one(float x) { return __builtin_sqrtf(x); }
inline float sin_one(float x) { return __builtin_sinf(x); }
inline float cos_one(float x) { return __builtin_cosf(x); }
inline float erf_one(float x) { return __builtin_erff(x); }
inline float floor_one(float x) { return __builtin_floorf(x); }
inline float ceil_one(float x) { return __builtin_ceilf(x); }
inline float round_one(float x) { return __builtin_rintf(x); }

// Returns exp(x) as the square of its root, which neither overflows nor vanishes before its square
// does; exact to |x| / 3e7 of the result.
inline Wide exp_of(Wide x) {
  const Wide root = exp2_of(clamped(x * (0.5f * kLog2OfE), -124.0f, 126.0f));
  return root * root;
}

// Returns exp(x) for x of at most 88.
inline Wide small_exp(Wide x) { return exp2_of(larger(x * kLog2OfE, all_wide(-125.0f))); }

inline Wide sigmoid_of(Wide x) { return 1.0f / (1.0f + small_exp(smaller(-x, all_wide(87.0f)))); }

inline Wide hardsigmoid_of(Wide x) { return clamped(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f); }

// Uses a polynomial near zero, fitted to 2e-8; elsewhere 1 - 2 / (1 + exp(2 |x|)) with the sign of
// x.
inline Wide tanh_of(Wide x) {
  const Wide t = x * x;
  Wide p = t * -5.61126e-3f + 2.056004e-2f;
  p = p * t - 5.371709e-2f;
  p = p * t + 1.3331191e-1f;
  p = p * t - 3.3333275e-1f;
  const Wide far = magnitude(x);
  const Wide wide = 1.0f - 2.0f / (1.0f + small_exp(smaller(far + far, all_wide(40.0f))));
  const Wide signed_wide = (Wide)((Integers)wide | ((Integers)x & (Integers)all_wide(-0.0f)));
  return chosen(far < all_wide(0.625f), x + x * t * p, signed_wide);
}

// Returns x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), which is x sigmoid(2 u).
inline Wide gelu_tanh_of(Wide x) {
  const Wide square = smaller(x * x, all_wide(400.0f));
  const Wide within = larger(x, all_wide(-12.0f));  // below, it is zero
  return within * sigmoid_of(within * (square * 0.0713548163f + 1.59576912f));
}

inline Wide softplus_of(Wide x, float beta, float threshold) {
  const Wide scaled = x * beta;
  const Wide tail = by_lane<log1p_one>(small_exp(-magnitude(scaled)));
  return chosen(scaled > all_wide(threshold), x, (larger(scaled, Wide{}) + tail) / beta);
}

// Returns x tanh(log(1 + e)) with e = exp(x), which is x e (e + 2) / (e (e + 2) + 2).
inline Wide mish_of(Wide x) {
  const Wide within = larger(x, all_wide(-80.0f));  // below, it is nearly zero
  const Wide e = small_exp(smaller(within, all_wide(20.0f)));
  const Wide product = e * (e + 2.0f);
  return within * (product / (product + 2.0f));
}

inline Wide power_of(Wide x, float exponent) {
  if (exponent == 2.0f) return x * x;
  if (exponent == 3.0f) return x * x * x;
  for (int i = 0; i < kWideLanes; ++i) x[i] = __builtin_powf(x[i], exponent);
  return x;
}

inline Wide sign_of(Wide x) {
  return chosen(x > Wide{}, all_wide(1.0f), chosen(x < Wide{}, all_wide(-1.0f), x));
}

template <Function kind>
Wide function_of(Wide x, float a, float b) {
  switch (kind) {
    case Function::sigmoid:
      return sigmoid_of(x);
    case Function::hardsigmoid:
      return hardsigmoid_of(x);
    case Function::hardswish:
      return x * hardsigmoid_of(x);
    case Function::clamp:
      return clamped(x, a, b);
    case Function::tanh:
      return tanh_of(x);
    case Function::gelu_tanh:
      return gelu_tanh_of(x);
    case Function::leaky_relu:
      return chosen(x < Wide{}, x * a, x);
    case Function::elu:
      return chosen(x < Wide{}, by_lane<expm1_one>(smaller(x, Wide{})) * a, x) * b;
    case Function::exp:
      return exp_of(x);
    case Function::log:
      return by_lane<log_one>(x);
    case Function::sqrt:
      return by_lane<sqrt_one>(x);
    case Function::rsqrt:
      return 1.0f / by_lane<sqrt_one>(x);
    case Function::power:
      return power_of(x, a);
    case Function::abs:
      return magnitude(x);
    case Function::reciprocal:
      return 1.0f / x;
    case Function::softplus:
      return softplus_of(x, a, b);
    case Function::mish:
      return mish_of(x);
    case Function::sin:
      return by_lane<sin_one>(x);
    case Function::cos:
      return by_lane<cos_one>(x);
    case Function::erf:
      return by_lane<erf_one>(x);
    case Function::floor:
      return by_lane<floor_one>(x);
    case Function::ceil:
      return by_lane<ceil_one>(x);
    case Function::round:
      return by_lane<round_one>(x);
    case Function::sign:
      return sign_of(x);
  }
}

#if defined(HVIT_EDGE_HALF) && !defined(__AVX2__)

// The unit for float32 has the same instructions: its functions are not compiled again.
inline void apply_function(const FunctionOf& function, const float* from, float* to,
                           std::int64_t count) {
  hvit_edge::native::apply_function_portable(function.kind, function.a, function.b, from, to,
                                             count);
}

inline void apply_function(const FunctionOf& function, const Value* from, Value* to,
                           std::int64_t count) {
  constexpr std::int64_t kBlock = 64;
  alignas(64) float block[kBlock];
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t rest = count - first < kBlock ? count - first : kBlock;
    for (std::int64_t i = 0; i < rest; i += kWideLanes) {
      store(block + i, take(from + first + i, rest - i));
    }
    apply_function(function, block, block, rest);
    for (std::int64_t i = 0; i < rest; i += kWideLanes) {
      put(to + first + i, load(block + i), rest - i);
    }
  }
}

#else

template <Function kind, class Number>
void apply_one(float a, float b, const Number* from, Number* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kWideLanes) {
    put(to + i, function_of<kind>(take(from + i, count - i), a, b), count - i);
  }
}

template <int kind, class Number>
void apply_from(const FunctionOf& function, const Number* from, Number* to, std::int64_t count) {
  if constexpr (kind < hvit_edge::native::kFunctions) {
    if (static_cast<int>(function.kind) == kind) {
      return apply_one<static_cast<Function>(kind)>(function.a, function.b, from, to, count);
    }
    apply_from<kind + 1>(function, from, to, count);
  }
}

// Sets to[i] = function(from[i]); `to` and `from` may be equal.
template <class Number>
void apply_function(const FunctionOf& function, const Number* from, Number* to,
                    std::int64_t count) {
  apply_from<0>(function, from, to, count);
}

#endif

}  // namespace
