// SiLU and GELU of float32 lanes. Only activations.h includes this file.
#pragma once

#include "exponential.h"

namespace {

// Returns 1 / (1 + 2^x), exact to 2e-4; on AVX-512 for any x.
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

// Returns GELU, with erf(z) = z P(z^2) / Q(z^2) for |z| <= 3.925, fitted to 4e-7; beyond, erf is 1.
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

// Returns x / (1 + 2^-(a x + b x^3)), fitted to 3e-4.
inline Vector rough_gelu(Vector x) {
  const Vector square = smaller(x * x, all(64.0f));
  return x * rough_sigmoid(x * (square * -0.10012561f - 2.3087653f));
}

template <Accuracy accuracy>
Vector gelu_of(Vector x) {
  return accuracy == Accuracy::codes ? rough_gelu(x) : exact_gelu(x);
}

}  // namespace
