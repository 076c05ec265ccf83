// Quantizes rows of float32 to int8 codes, with ranges taken at run time. Included by each
// translation unit of operators.h, and nowhere else.
#pragma once

#include "by_rows.h"
#include "scratch.h"

namespace {

using hvit_edge::native::code_bytes;
using hvit_edge::native::Quantise;

#if defined(__AVX2__)
// The products of VNNI are of unsigned and signed bytes.
constexpr float kLowest = 0.0f, kHighest = 255.0f;
#else
constexpr float kLowest = -128.0f, kHighest = 127.0f;
#endif

/// value = scale * (code - zero).
struct Range {
  float scale, zero;
};

struct Extremes {
  float low, high;
};

#if defined(__AVX512F__)
// Returns both extremes at once, as the halves of one vector.
inline Extremes extremes_of(Vector low, Vector high) {
  const auto half = [](Vector x, int part) {
    return part == 0 ? _mm512_castps512_ps256((__m512)x) : _mm512_extractf32x8_ps((__m512)x, 1);
  };
  const __m256 lows = _mm256_min_ps(half(low, 0), half(low, 1));
  const __m256 highs = _mm256_max_ps(half(high, 0), half(high, 1));
  const __m256 negated = _mm256_sub_ps(_mm256_setzero_ps(), lows);
  __m256 most = _mm256_max_ps(_mm256_permute2f128_ps(highs, negated, 0x20),
                              _mm256_permute2f128_ps(highs, negated, 0x31));
  most = _mm256_max_ps(most, _mm256_permute_ps(most, 0x4E));
  most = _mm256_max_ps(most, _mm256_permute_ps(most, 0xB1));
  return {-_mm_cvtss_f32(_mm256_extractf128_ps(most, 1)), _mm256_cvtss_f32(most)};
}
#else
inline Extremes extremes_of(Vector low, Vector high) {
  return {smallest_of(low), largest_of(high)};
}
#endif

inline void widen(Extremes& extremes, const Value* row, std::int64_t count) {
  Vector low = all(extremes.low), high = all(extremes.high);
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const Vector first = load(row + i), second = load(row + i + kLanes);
    low = smaller(smaller(low, first), second);
    high = larger(larger(high, first), second);
  }
  for (; i < count; i += kLanes) {
    const Vector value = load_some(row + i, count - i);  // zeros after the last value
    low = smaller(low, value);
    high = larger(high, value);
  }
  extremes = extremes_of(low, high);
}

constexpr float kNarrowest = 3e-36f;  // for narrower ranges, a step has no reciprocal in float32

constexpr float kWidest = 3e38f;

constexpr float kMostSteps = 3e4f;  // of a value of one, so that float16 holds them

// Chooses as quantize/int8_operators.py does: zero is a code, from the end of the range with the
// smaller error. Values that are not finite give NaN.
inline Range range_of(const Extremes& extremes) {
  const float width = extremes.high - extremes.low;
  if (!(width <= kWidest)) return {__builtin_nanf(""), 0.0f};
  const float scale = width > kNarrowest ? width / 255.0f : 1.0f;
  const float steps = 1.0f / scale;
  const float low = extremes.low * steps, high = extremes.high * steps;
  const bool from_low = (kLowest + low) + (kHighest + high) > 0.0f;
  float zero = __builtin_rintf(from_low ? kLowest - low : kHighest - high);
  zero = zero < kLowest ? kLowest : (zero > kHighest ? kHighest : zero);
  return {scale, zero};
}

inline void store_codes(std::uint8_t* to, Wide codes, std::int64_t count) {
  const Wide limited = larger(smaller(codes, all_wide(kHighest)), all_wide(kLowest));
#if defined(__AVX512F__)
  const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32((__m512)limited));
  if (count >= kWideLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  } else {
    _mm_mask_storeu_epi8(to, first_lanes(count), bytes);
  }
#elif defined(__AVX2__)
  const __m256i whole = _mm256_cvtps_epi32((__m256)limited);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
  if (count >= kWideLanes) return _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
  std::uint8_t all[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(all), bytes);
  for (int i = 0; i < count; ++i) to[i] = all[i];
#else
  const Integers whole = (Integers)(limited + 12582912.0f);  // rounds; the code is in the low byte
  for (int i = 0; i < kWideLanes && i < count; ++i) to[i] = static_cast<std::uint8_t>(whole[i]);
#endif
}

#if defined(__aarch64__)

// Stores the codes of eight values from their rounded steps.
inline void store_steps(std::uint8_t* to, int16x8_t steps, int16x8_t zero) {
  vst1_s8(reinterpret_cast<std::int8_t*>(to), vqmovn_s16(vqaddq_s16(steps, zero)));
}

// Encodes all full vectors of eight values; returns how many values that are.
inline std::int64_t encode_eights(const Value* row, std::int64_t count, const Range& range,
                                  std::uint8_t* codes) {
  const float steps = 1.0f / range.scale;
  if (!(steps <= kMostSteps)) return 0;
  const int16x8_t zero = vdupq_n_s16(static_cast<std::int16_t>(range.zero));
  std::int64_t i = 0;
#if defined(HVIT_EDGE_HALF_LANES)
  const Vector factor = all(steps);
  for (; i + 16 <= count; i += 16) {
    store_steps(codes + i, vcvtnq_s16_f16(load(row + i) * factor), zero);
    store_steps(codes + i + 8, vcvtnq_s16_f16(load(row + i + 8) * factor), zero);
  }
  if (i + 8 <= count) {
    store_steps(codes + i, vcvtnq_s16_f16(load(row + i) * factor), zero);
    i += 8;
  }
#else
  for (; i + 8 <= count; i += 8) {
    const int32x4_t low = vcvtnq_s32_f32(load_wide(row + i) * steps);
    const int32x4_t high = vcvtnq_s32_f32(load_wide(row + i + 4) * steps);
    store_steps(codes + i, vqmovn_high_s32(vqmovn_s32(low), high), zero);
  }
#endif
  return i;
}

#elif defined(__AVX2__) && !defined(__AVX512F__)

// Returns eight codes as integers, which the packing limits to bytes.
inline __m256i rounded_codes(const Value* row, Wide steps, Wide zero) {
  return _mm256_cvtps_epi32((__m256)(load_wide(row) * steps + zero));
}

// Encodes all full groups of 32 values; returns how many values that are.
inline std::int64_t encode_eights(const Value* row, std::int64_t count, const Range& range,
                                  std::uint8_t* codes) {
  const Wide steps = all_wide(1.0f / range.scale), zero = all_wide(range.zero);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  std::int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i first = _mm256_packs_epi32(rounded_codes(row + i, steps, zero),
                                             rounded_codes(row + i + 8, steps, zero));
    const __m256i second = _mm256_packs_epi32(rounded_codes(row + i + 16, steps, zero),
                                              rounded_codes(row + i + 24, steps, zero));
    const __m256i bytes = _mm256_packus_epi16(first, second);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i),
                        _mm256_permutevar8x32_epi32(bytes, order));
  }
  return i;
}

#else

inline std::int64_t encode_eights(const Value*, std::int64_t, const Range&, std::uint8_t*) {
  return 0;
}

#endif

inline void encode_row(const Value* row, std::int64_t count, const Range& range,
                       std::uint8_t* codes) {
  const Wide steps = all_wide(1.0f / range.scale), zero = all_wide(range.zero);
  for (std::int64_t i = encode_eights(row, count, range, codes); i < count; i += kWideLanes) {
    store_codes(codes + i, load_wide_some(row + i, count - i) * steps + zero, count - i);
  }
  for (std::int64_t i = count; i < code_bytes(count); ++i) codes[i] = 0;
}

inline std::uint8_t* bytes_at(const Bases& bases, std::int64_t offset) {
  return reinterpret_cast<std::uint8_t*>(bases.at(Space::arena, offset));
}

inline Range* ranges_of(const Quantise& quantise, const Bases& bases) {
  return reinterpret_cast<Range*>(bases.at(Space::arena, quantise.ranges));
}

inline void find_range(const Quantise& quantise, const Bases& bases, std::int64_t group) {
  Extremes extremes{0.0f, 0.0f};
  const std::int64_t start = group * quantise.together;
  for (std::int64_t i = start; i < start + quantise.together; ++i) {
    widen(extremes, row_of(quantise.input, bases, i), quantise.columns);
  }
  const Range range = range_of(extremes);
  ranges_of(quantise, bases)[group] = range;
  if (!quantise.pads) return;
  std::uint8_t* zeros = bytes_at(bases, quantise.zeros);
  const auto zero = static_cast<std::uint8_t>(static_cast<int>(range.zero));
  for (std::int64_t i = 0; i < code_bytes(quantise.columns); ++i) zeros[i] = zero;
}

// Quantizes a row that has its own range.
inline void quantise_row(const Value* row, std::int64_t count, Range& range, std::uint8_t* codes) {
  Extremes extremes{0.0f, 0.0f};
  widen(extremes, row, count);
  const Range found = range_of(extremes);
  range = found;
  encode_row(row, count, found, codes);
}

inline void encode(const Quantise& quantise, const Bases& bases, std::int64_t i) {
  const Value* row = row_of(quantise.input, bases, i);
  std::uint8_t* codes = bytes_at(bases, quantise.codes) + i * code_bytes(quantise.columns);
  if (quantise.together == 1 && !quantise.pads) {
    return quantise_row(row, quantise.columns, ranges_of(quantise, bases)[i], codes);
  }
  encode_row(row, quantise.columns, ranges_of(quantise, bases)[i / quantise.together], codes);
}

inline void run(const Quantise& quantise, const Bases& bases) {
  const std::int64_t together = quantise.together;
  if (together > 1 || quantise.pads) {
    share_rows<Quantise, find_range>(quantise, bases, quantise.rows / together,
                                     together * quantise.columns);
  }
  share_rows<Quantise, encode>(quantise, bases, quantise.rows, quantise.columns);
}

}  // namespace
