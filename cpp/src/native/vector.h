// Vectors in the compiler's notation: one source for AVX-512, AVX2, NEON, SSE2 and WebAssembly.
// Included by each translation unit of operators.h, and nowhere else, because the contents differ
// between them.
//
// A Value is a number of the plan as it is stored, a Lane one of a Vector that is computed
// with. They are float32, but for HVIT_EDGE_HALF: there values are float16, and lanes too where the
// processor computes with them. A Wide has float32 lanes always, as many as Integers.
#pragma once

#include <cstdint>

#include "half.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#if defined(HVIT_EDGE_HALF) && defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define HVIT_EDGE_HALF_LANES 1
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kWideLanes = 16;
#elif defined(__AVX2__)
constexpr int kWideLanes = 8;
#else
constexpr int kWideLanes = 4;
#endif

typedef float Wide __attribute__((vector_size(kWideLanes * 4)));
typedef float WideMemory __attribute__((vector_size(kWideLanes * 4), aligned(4), may_alias));
typedef std::int32_t Integers __attribute__((vector_size(kWideLanes * 4)));

inline Wide load(const float* from) { return *reinterpret_cast<const WideMemory*>(from); }
inline void store(float* to, Wide value) { *reinterpret_cast<WideMemory*>(to) = value; }
inline Wide all_wide(float value) { return value - Wide{}; }
inline Wide to_floats(Integers value) { return __builtin_convertvector(value, Wide); }

// Lane by lane: compilers turn a loop into a call, around which no constant stays in a register.
template <class Lanes, int lanes, class Number>
inline Lanes first_lanes_of(const Number* from, std::int64_t count) {
  Lanes value{};
#pragma GCC unroll 8
  for (int i = 0; i < lanes; ++i) {
    if (i < count) value[i] = from[i];
  }
  return value;
}
template <int lanes, class Lanes, class Number>
inline void store_first_lanes(Number* to, Lanes value, std::int64_t count) {
#pragma GCC unroll 8
  for (int i = 0; i < lanes; ++i) {
    if (i < count) to[i] = Number(value[i]);
  }
}

#if defined(__AVX512F__)

inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1u << count) - 1u);
}
inline Wide load_first(const float* from, std::int64_t count) {
  return (Wide)_mm512_maskz_loadu_ps(first_lanes(count), from);
}
inline void store_first(float* to, Wide value, std::int64_t count) {
  _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)value);
}
inline Wide larger(Wide a, Wide b) { return (Wide)_mm512_max_ps((__m512)a, (__m512)b); }
inline Wide smaller(Wide a, Wide b) { return (Wide)_mm512_min_ps((__m512)a, (__m512)b); }
inline float sum_of(Wide value) { return _mm512_reduce_add_ps((__m512)value); }
inline float largest_of(Wide value) { return _mm512_reduce_max_ps((__m512)value); }

#else

#if defined(__AVX2__)
inline __m256i first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Wide load_first(const float* from, std::int64_t count) {
  return (Wide)_mm256_maskload_ps(from, first_lanes(count));
}
inline void store_first(float* to, Wide value, std::int64_t count) {
  _mm256_maskstore_ps(to, first_lanes(count), (__m256)value);
}
#else
inline Wide load_first(const float* from, std::int64_t count) {
  return first_lanes_of<Wide, kWideLanes>(from, count);
}
inline void store_first(float* to, Wide value, std::int64_t count) {
  store_first_lanes<kWideLanes>(to, value, count);
}
#endif

#if defined(__AVX2__)
inline Wide larger(Wide a, Wide b) { return (Wide)_mm256_max_ps((__m256)a, (__m256)b); }
inline Wide smaller(Wide a, Wide b) { return (Wide)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__aarch64__)
inline Wide larger(Wide a, Wide b) { return vmaxq_f32(a, b); }
inline Wide smaller(Wide a, Wide b) { return vminq_f32(a, b); }
#elif defined(__wasm_simd128__)
// As on x86, the second one is the result if one of them is not a number.
inline Wide larger(Wide a, Wide b) { return (Wide)wasm_f32x4_pmax((v128_t)b, (v128_t)a); }
inline Wide smaller(Wide a, Wide b) { return (Wide)wasm_f32x4_pmin((v128_t)b, (v128_t)a); }
#else
inline Wide select(Integers mask, Wide yes, Wide no) {
  return (Wide)((mask & (Integers)yes) | (~mask & (Integers)no));
}
inline Wide larger(Wide a, Wide b) { return select(a > b, a, b); }
inline Wide smaller(Wide a, Wide b) { return select(a < b, a, b); }
#endif

#if defined(__AVX2__)
// The halves of a vector, of which a sum or an extreme is taken.
inline __m128 lower(Wide value) { return _mm256_castps256_ps128((__m256)value); }
inline __m128 upper(Wide value) { return _mm256_extractf128_ps((__m256)value, 1); }

inline float sum_of(Wide value) {
  __m128 sum = _mm_add_ps(lower(value), upper(value));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
inline float largest_of(Wide value) {
  __m128 most = _mm_max_ps(lower(value), upper(value));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}
#else
inline float sum_of(Wide value) {
  float sum = 0;
  for (int i = 0; i < kWideLanes; ++i) sum += value[i];
  return sum;
}
inline float largest_of(Wide value) {
  float largest = value[0];
  for (int i = 1; i < kWideLanes; ++i) largest = value[i] > largest ? value[i] : largest;
  return largest;
}
#endif

#endif

}  // namespace

#if defined(HVIT_EDGE_HALF)
#include "vector_half.h"
#else

namespace {

using Value = float;
using Lane = float;
using Vector = Wide;
constexpr int kLanes = kWideLanes;

inline Vector all(float value) { return all_wide(value); }
inline Wide load_wide(const Value* from) { return load(from); }
inline Wide load_wide_first(const Value* from, std::int64_t count) {
  return load_first(from, count);
}
inline void store_wide(Value* to, Wide value) { store(to, value); }
inline void store_wide_first(Value* to, Wide value, std::int64_t count) {
  store_first(to, value, count);
}
inline void split(Vector value, Wide (&parts)[1]) { parts[0] = value; }
inline Vector joined(const Wide (&parts)[1]) { return parts[0]; }

}  // namespace

#endif

namespace {

constexpr int kWides = kLanes / kWideLanes;  // so many make a Vector

inline float smallest_of(Vector value) { return -largest_of(-value); }

// Loads some of the first lanes, or all.
template <class Number>
Vector load_some(const Number* from, std::int64_t count) {
  return count >= kLanes ? load(from) : load_first(from, count);
}
template <class Number>
void store_some(Number* to, Vector value, std::int64_t count) {
  if (count >= kLanes) {
    store(to, value);
  } else {
    store_first(to, value, count);
  }
}
inline Wide load_wide_some(const Value* from, std::int64_t count) {
  return count >= kWideLanes ? load_wide(from) : load_wide_first(from, count);
}
inline void store_wide_some(Value* to, Wide value, std::int64_t count) {
  if (count >= kWideLanes) {
    store_wide(to, value);
  } else {
    store_wide_first(to, value, count);
  }
}

}  // namespace
