// exp, SiLU and GELU of float16 lanes, exact to one or two units in the last place of the largest
// result. Only activations.h includes this file.
#pragma once

#include "vector.h"

namespace {

// Returns 2^x for x of at most 15, and zero below 2^-14.
inline Vector exp2_of(Vector x) {
  // 1.5 * 2^10 + 15: rounds, and the exponent of the power is then in the low bits.
  const Vector shift = all(1551.0f);
  x = larger(x, all(-40.0f));
  const Vector shifted = x + shift;
  const uint16x8_t exponent = vqsubq_u16((uint16x8_t)shifted, vdupq_n_u16(0x6600));
  const Vector f = x - (shifted - shift);
  Vector p = f * all(5.517e-2f) + all(2.4261e-1f);
  p = p * f + all(6.9326e-1f);
  p = p * f + all(9.9993e-1f);
  return p * (Vector)vshlq_n_u16(exponent, 10);
}

// Returns x * (1/2 + z * numerator / (z^4 + b z^2 + a)), where z is x limited to the range in which
// the factor goes from 0 to 1.
inline Vector gated(Vector x, Vector z, Vector square, Vector numerator, float b, float a) {
  const Vector denominator = (square + all(b)) * square + all(a);
  return x * all(0.5f) + x * (z * numerator / denominator);
}

template <Accuracy>
Vector silu_of(Vector x) {
  const Vector z = larger(smaller(x, all(9.0f)), all(-9.0f));
  const Vector square = z * z;
  return gated(x, z, square, square * all(13.390625f) + all(682.0f), 278.0f, 2732.0f);
}

template <Accuracy>
Vector gelu_of(Vector x) {
  const Vector z = larger(smaller(x, all(3.75f)), all(-3.75f));
  const Vector square = z * z;
  const Vector numerator = square * all(5.0659180e-2f) + all(1.8046875f);
  return gated(x, z, square, numerator * square + all(6.1796875f), 7.0117188f, 15.515625f);
}

}  // namespace
