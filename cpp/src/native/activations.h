// exp, SiLU and GELU of vectors. Included by each translation unit of operators.h alone.
#pragma once

#include "operations.h"
#include "vector.h"

namespace {

using hvit_edge::native::Activation;

/// How exact activations are: to about one unit in the last place of the largest result, or to
/// 3e-4, which is lost in the steps of int8 codes.
enum class Accuracy { float32, codes };

// 2^f for |f| <= 1/2, a polynomial fitted to 8e-8, or to 8e-5.
template <Accuracy accuracy>
Vector exp2_of_fraction(Vector f) {
  if (accuracy == Accuracy::codes) {
    const Vector p = (f * 5.517169e-2f + 2.4261117e-1f) * f + 6.9326099e-1f;
    return p * f + 9.9992807e-1f;
  }
  Vector p = f * 1.3266970e-3f + 9.6754597e-3f;
  p = p * f + 5.5507426e-2f;
  p = p * f + 2.4022122e-1f;
  p = p * f + 6.9314695e-1f;
  return p * f + 1.0000001f;
}

// For x of at most 127; what is too small becomes zero, or as good as zero.
template <Accuracy accuracy>
Vector exp2_of(Vector x) {
#if defined(__AVX512F__)
  const Vector whole = (Vector)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT);
  return (Vector)_mm512_scalef_ps((__m512)exp2_of_fraction<accuracy>(x - whole), (__m512)whole);
#else
  const Vector scaled = larger(x, all(-125.0f));
  const Vector shifted = scaled + 12582912.0f;  // 1.5 * 2^23: rounds, the integer in the low bits
  const Vector value = exp2_of_fraction<accuracy>(scaled - (shifted - 12582912.0f));
  return (Vector)((Integers)value + (((Integers)shifted) << 23));
#endif
}

constexpr float kLog2OfE = 1.44269504f;

// For x of at most 88.
inline Vector exp_of(Vector x) { return exp2_of<Accuracy::float32>(x * kLog2OfE); }

// For 1 <= x < 1e38.
inline Vector reciprocal(Vector x) {
#if defined(__AVX512F__)
  const Vector guess = (Vector)_mm512_rcp14_ps((__m512)x);
  return guess + guess * (1.0f - x * guess);  // Newton's step
#else
  return 1.0f / x;
#endif
}

// 1 / (1 + 2^x), to 2e-4; on AVX-512 for any x.
inline Vector rough_sigmoid(Vector x) {
#if defined(__AVX512F__)
  const Vector sum = 1.0f + exp2_of<Accuracy::codes>(x);
  return (Vector)_mm512_rcp14_ps((__m512)sum);
#else
  return 1.0f / (1.0f + exp2_of<Accuracy::codes>(smaller(x, all(126.0f))));
#endif
}

template <Accuracy accuracy>
Vector silu_of(Vector x) {
  if (accuracy == Accuracy::codes) return x * rough_sigmoid(x * -kLog2OfE);
  return x * reciprocal(1.0f + exp_of(smaller(-x, all(87.0f))));
}

// erf(z) = z P(z^2) / Q(z^2) for |z| <= 3.925, fitted to 4e-7; beyond, it is 1.
inline Vector gelu_of(Vector x) {
  const Vector z = larger(smaller(x * 0.707106781f, all(3.925f)), all(-3.925f));
  const Vector t = z * z;
  Vector p = t * 2.0635293e-6f + 2.8360886e-4f;
  p = p * t + 3.7014433e-3f;
  p = p * t + 5.2549034e-2f;
  p = p * t + 1.8888715e-1f;
  p = p * t + 1.1283791f;
  Vector q = t * 3.8165432e-5f + 1.1473420e-3f;
  q = q * t + 1.4839754e-2f;
  q = q * t + 1.1348238e-1f;
  q = q * t + 5.0072986e-1f;
  q = q * t + 1.0f;
  const Vector half = x * 0.5f;
  return half + half * (z * p * reciprocal(q));
}

// x / (1 + 2^-(a x + b x^3)), fitted to 3e-4.
inline Vector rough_gelu(Vector x) {
  const Vector square = smaller(x * x, all(64.0f));
  return x * rough_sigmoid(x * (square * -0.10012561f - 2.3087653f));
}

template <Activation kind, Accuracy accuracy>
Vector activate(Vector x) {
  if (kind == Activation::relu) return larger(x, Vector{});
  if (kind == Activation::silu) return silu_of<accuracy>(x);
  if (kind == Activation::gelu) return accuracy == Accuracy::codes ? rough_gelu(x) : gelu_of(x);
  return x;
}

template <Activation kind>
void activate_values(float* values, std::int64_t count) {
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
inline void activate_all(Activation kind, float* values, std::int64_t count) {
  if (kind == Activation::relu) activate_values<Activation::relu>(values, count);
  if (kind == Activation::silu) activate_values<Activation::silu>(values, count);
  if (kind == Activation::gelu) activate_values<Activation::gelu>(values, count);
}

}  // namespace
