// Vectors of float32 in the compiler's own notation: one source for AVX-512, AVX2, NEON and SSE2.
// Included by each translation unit of operators.h alone: what they hold differs between them.
#pragma once

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vector __attribute__((vector_size(kLanes * 4)));
typedef float Memory __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef std::int32_t Integers __attribute__((vector_size(kLanes * 4)));

inline Vector load(const float* from) { return *reinterpret_cast<const Memory*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Memory*>(to) = value; }
inline Vector all(float value) { return Vector{} + value; }

#if defined(__AVX512F__)

inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1u << count) - 1u);
}
inline Vector load_first(const float* from, std::int64_t count) {
  return (Vector)_mm512_maskz_loadu_ps(first_lanes(count), from);
}
inline void store_first(float* to, Vector value, std::int64_t count) {
  _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)value);
}
inline Vector larger(Vector a, Vector b) { return (Vector)_mm512_max_ps((__m512)a, (__m512)b); }
inline Vector smaller(Vector a, Vector b) { return (Vector)_mm512_min_ps((__m512)a, (__m512)b); }
inline float sum_of(Vector value) { return _mm512_reduce_add_ps((__m512)value); }
inline float largest_of(Vector value) { return _mm512_reduce_max_ps((__m512)value); }

#else

// Lane by lane: compilers make a call of a loop, around which no constant stays in a register.
inline Vector load_first(const float* from, std::int64_t count) {
  Vector value{};
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; ++i) {
    if (i < count) value[i] = from[i];
  }
  return value;
}
inline void store_first(float* to, Vector value, std::int64_t count) {
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; ++i) {
    if (i < count) to[i] = value[i];
  }
}

#if defined(__AVX2__)
inline Vector larger(Vector a, Vector b) { return (Vector)_mm256_max_ps((__m256)a, (__m256)b); }
inline Vector smaller(Vector a, Vector b) { return (Vector)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__aarch64__)
inline Vector larger(Vector a, Vector b) { return vmaxq_f32(a, b); }
inline Vector smaller(Vector a, Vector b) { return vminq_f32(a, b); }
#else
inline Vector select(Integers mask, Vector yes, Vector no) {
  return (Vector)((mask & (Integers)yes) | (~mask & (Integers)no));
}
inline Vector larger(Vector a, Vector b) { return select(a > b, a, b); }
inline Vector smaller(Vector a, Vector b) { return select(a < b, a, b); }
#endif

inline float sum_of(Vector value) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += value[i];
  return sum;
}
inline float largest_of(Vector value) {
  float largest = value[0];
  for (int i = 1; i < kLanes; ++i) largest = value[i] > largest ? value[i] : largest;
  return largest;
}

#endif

inline Vector to_floats(Integers value) { return __builtin_convertvector(value, Vector); }

inline float smallest_of(Vector value) { return -largest_of(-value); }

// Some of the first lanes, or all.
inline Vector load_some(const float* from, std::int64_t count) {
  return count >= kLanes ? load(from) : load_first(from, count);
}
inline void store_some(float* to, Vector value, std::int64_t count) {
  if (count >= kLanes) {
    store(to, value);
  } else {
    store_first(to, value, count);
  }
}

}  // namespace
