// 2^x of float32 lanes, and functions of it. Included by each translation unit of operators.h, and
// nowhere else.
#pragma once

#include "vector.h"

namespace {

/// The accuracy of activations of float32 lanes: about one unit in the last place of the largest
/// result, or 3e-4, which is lost in the steps of int8 codes.
enum class Accuracy { float32, codes };

/// The accuracy in layers of int8 codes. WebAssembly, which is downloaded, and code for old
/// processors have no code for two, and in float16 lanes both are the same.
#if defined(__wasm_simd128__) || defined(HVIT_EDGE_COMPACT) || defined(HVIT_EDGE_HALF_LANES)
constexpr Accuracy kAccuracyOfCodes = Accuracy::float32;
#else
constexpr Accuracy kAccuracyOfCodes = Accuracy::codes;
#endif

constexpr float kLog2OfE = 1.44269504f;

// Returns 2^f for |f| <= 1/2, by a polynomial fitted to 8e-8, or to 8e-5.
template <Accuracy accuracy>
Wide exp2_of_fraction(Wide f) {
  if (accuracy == Accuracy::codes) {
    const Wide p = (f * 5.517169e-2f + 2.4261117e-1f) * f + 6.9326099e-1f;
    return p * f + 9.9992807e-1f;
  }
  Wide p = f * 1.3266970e-3f + 9.6754597e-3f;
  p = p * f + 5.5507426e-2f;
  p = p * f + 2.4022122e-1f;
  p = p * f + 6.9314695e-1f;
  return p * f + 1.0000001f;
}

// Returns 2^x for x of at most 127; results that are too small become zero or nearly zero.
template <Accuracy accuracy = Accuracy::float32>
Wide exp2_of(Wide x) {
#if defined(__AVX512F__)
  const Wide whole = (Wide)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT);
  return (Wide)_mm512_scalef_ps((__m512)exp2_of_fraction<accuracy>(x - whole), (__m512)whole);
#else
  const Wide scaled = larger(x, all_wide(-125.0f));
  // 1.5 * 2^23: rounds, and puts the integer into the low bits
  const Wide shifted = scaled + 12582912.0f;
  const Wide value = exp2_of_fraction<accuracy>(scaled - (shifted - 12582912.0f));
  return (Wide)((Integers)value + (((Integers)shifted) << 23));
#endif
}

// Returns 1 / x for 1 <= x < 1e38.
inline Wide reciprocal(Wide x) {
#if defined(__AVX512F__)
  const Wide guess = (Wide)_mm512_rcp14_ps((__m512)x);
  return guess + guess * (1.0f - x * guess);  // a Newton step
#else
  return 1.0f / x;
#endif
}

}  // namespace
