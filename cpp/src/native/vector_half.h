// Values in float16. Their lanes are float16 if the processor computes with them, else float32.
// Only vector.h includes this file.
#pragma once

namespace {

using Value = hvit_edge::native::Half;

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
inline Wide load_wide(const Value* from) {
  HalfBits halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  const Bits bits = __builtin_convertvector(halves, Bits);
  const Bits size = bits & 0x7fffu;
  const Wide finite = (Wide)(size << 13) * 0x1p112f;  // the exponents of float32 are 112 higher
  const Bits magnitude =
      chosen_bits((Integers)(size >= 0x7c00u), (size << 13) | 0x7f800000u, (Bits)finite);
  return (Wide)(magnitude | (bits & 0x8000u) << 16);
}
inline void store_wide(Value* to, Wide value) {
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

inline Wide load_wide_first(const Value* from, std::int64_t count) {
  return first_lanes_of<Wide, kWideLanes>(from, count);
}
inline void store_wide_first(Value* to, Wide value, std::int64_t count) {
  store_first_lanes<kWideLanes>(to, value, count);
}

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
