// exp, SiLU and GELU of float32 lanes. Included by activations.h alone.
#pragma once

#include "vector.h"

namespace {

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
template <Accuracy accuracy = Accuracy::float32>
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
  return x * reciprocal(1.0f + exp2_of(smaller(x * -kLog2OfE, all(126.0f))));
}

// GELU; erf(z) = z P(z^2) / Q(z^2) for |z| <= 3.925, fitted to 4e-7; beyond, it is 1.
inline Vector exact_gelu(Vector x) {
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

template <Accuracy accuracy>
Vector gelu_of(Vector x) {
  return accuracy == Accuracy::codes ? rough_gelu(x) : exact_gelu(x);
}

}  // namespace
