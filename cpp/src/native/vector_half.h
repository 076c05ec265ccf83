// Values in float16. Their lanes are float16 if the processor computes with them, else float32.
// Only vector.h includes this file.
#pragma once

namespace {

using Value = hvit_edge::native::Half;

// Without an instruction, conversions are long. On x86, only processors without AVX2 run them:
// there they are functions of their own.
#if defined(__x86_64__)
#define HVIT_EDGE_CONVERSION __attribute__((noinline))
#else
#define HVIT_EDGE_CONVERSION inline
#endif

#if defined(__AVX512F__)

inline Wide load_wide(const Value* from) {
  return (Wide)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline void store_wide(Value* to, Wide value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT));
}
inline Wide load_wide_first(const Value* from, std::int64_t count) {
  return (Wide)_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count), from));
}
inline void store_wide_first(Value* to, Wide value, std::int64_t count) {
  _mm256_mask_storeu_epi16(to, first_lanes(count),
                           _mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT));
}

#else

#if defined(__F16C__)
inline Wide load_wide(const Value* from) {
  return (Wide)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline void store_wide(Value* to, Wide value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT));
}

// No instruction has a mask of 16-bit lanes: these take pairs of them, then the last one.
inline __m128i first_pairs(std::int64_t count) {
  return _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(count / 2)), _mm_setr_epi32(0, 1, 2, 3));
}
inline Wide load_wide_first(const Value* from, std::int64_t count) {
  __m128i halves = _mm_maskload_epi32(reinterpret_cast<const int*>(from), first_pairs(count));
  if (count % 2 != 0) {
    const auto at = static_cast<short>(count - 1);
    const __m128i last =
        _mm_cmpeq_epi16(_mm_set1_epi16(at), _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7));
    const __m128i value = _mm_set1_epi16(static_cast<short>(from[at].bits));
    halves = _mm_blendv_epi8(halves, value, last);
  }
  return (Wide)_mm256_cvtph_ps(halves);
}
inline void store_wide_first(Value* to, Wide value, std::int64_t count) {
  const __m128i halves = _mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT);
  _mm_maskstore_epi32(reinterpret_cast<int*>(to), first_pairs(count), halves);
  if (count % 2 != 0) {
    alignas(16) std::uint16_t all[8];
    _mm_store_si128(reinterpret_cast<__m128i*>(all), halves);
    to[count - 1].bits = all[count - 1];
  }
}
#elif defined(__aarch64__)
inline Wide load_wide(const Value* from) { return vcvt_f32_f16(vld1_f16(from)); }
inline void store_wide(Value* to, Wide value) { vst1_f16(to, vcvt_f16_f32(value)); }
#else
typedef std::uint32_t Bits __attribute__((vector_size(kWideLanes * 4)));
typedef std::uint16_t HalfBits __attribute__((vector_size(kWideLanes * 2)));

inline Bits chosen_bits(Integers mask, Bits yes, Bits no) {
  return ((Bits)mask & yes) | (~(Bits)mask & no);
}

// Converts as Half does, all lanes at once.
HVIT_EDGE_CONVERSION Wide load_wide(const Value* from) {
  HalfBits halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  const Bits bits = __builtin_convertvector(halves, Bits);
  const Bits size = bits & 0x7fffu;
  const Wide finite = (Wide)(size << 13) * 0x1p112f;  // the exponents of float32 are 112 higher
  const Bits magnitude =
      chosen_bits((Integers)(size >= 0x7c00u), (size << 13) | 0x7f800000u, (Bits)finite);
  return (Wide)(magnitude | (bits & 0x8000u) << 16);
}
HVIT_EDGE_CONVERSION void store_wide(Value* to, Wide value) {
  const Bits word = (Bits)value, size = word & 0x7fffffffu;
  const Bits normal = (size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13;
  const Bits small = (Bits)((Wide)size + 0.5f) - 0x3f000000u;
  Bits bits = chosen_bits((Integers)(size < 0x38800000u), small, normal);
  bits = chosen_bits((Integers)(size >= 0x477ff000u), Bits{} + 0x7c00u, bits);
  bits = chosen_bits((Integers)(size > 0x7f800000u), Bits{} + 0x7e00u, bits);
  const HalfBits halves = __builtin_convertvector(bits | (word >> 16 & 0x8000u), HalfBits);
  __builtin_memcpy(static_cast<void*>(to), &halves, sizeof(halves));
}
#endif

#if !defined(__F16C__)
HVIT_EDGE_CONVERSION Wide load_wide_first(const Value* from, std::int64_t count) {
  return first_lanes_of<Wide, kWideLanes>(from, count);
}
HVIT_EDGE_CONVERSION void store_wide_first(Value* to, Wide value, std::int64_t count) {
  store_first_lanes<kWideLanes>(to, value, count);
}
#endif

#endif

#if defined(HVIT_EDGE_HALF_LANES)

using Lane = Value;
constexpr int kLanes = 8;
typedef Lane Vector __attribute__((vector_size(16)));
typedef Lane Memory __attribute__((vector_size(16), aligned(2), may_alias));

inline Vector load(const Value* from) { return *reinterpret_cast<const Memory*>(from); }
inline void store(Value* to, Vector value) { *reinterpret_cast<Memory*>(to) = value; }
inline Vector load_first(const Value* from, std::int64_t count) {
  return first_lanes_of<Vector, kLanes>(from, count);
}
inline void store_first(Value* to, Vector value, std::int64_t count) {
  store_first_lanes<kLanes>(to, value, count);
}
inline Vector all(float value) { return vdupq_n_f16(static_cast<Lane>(value)); }
inline Vector larger(Vector a, Vector b) { return vmaxq_f16(a, b); }
inline Vector smaller(Vector a, Vector b) { return vminq_f16(a, b); }
inline float largest_of(Vector value) { return vmaxvq_f16(value); }
inline float sum_of(Vector value) {
  return sum_of(Wide(vcvt_f32_f16(vget_low_f16(value)) + vcvt_high_f32_f16(value)));
}
inline void split(Vector value, Wide (&parts)[2]) {
  parts[0] = vcvt_f32_f16(vget_low_f16(value));
  parts[1] = vcvt_high_f32_f16(value);
}
inline Vector joined(const Wide (&parts)[2]) {
  return vcvt_high_f16_f32(vcvt_f16_f32(parts[0]), parts[1]);
}

#else

using Lane = float;
using Vector = Wide;
constexpr int kLanes = kWideLanes;

inline Vector load(const Value* from) { return load_wide(from); }
inline void store(Value* to, Vector value) { store_wide(to, value); }
inline Vector load_first(const Value* from, std::int64_t count) {
  return load_wide_first(from, count);
}
inline void store_first(Value* to, Vector value, std::int64_t count) {
  store_wide_first(to, value, count);
}
inline Vector all(float value) { return all_wide(value); }
inline void split(Vector value, Wide (&parts)[1]) { parts[0] = value; }
inline Vector joined(const Wide (&parts)[1]) { return parts[0]; }

#endif

}  // namespace
