// The kernel of an int8 tile on AVX2 without VNNI. Codes are widened to 16 bits once for all panels
// of a call, and vpmaddwd adds pairs of exact products: unlike vpmaddubsw, it cannot saturate. Only
// product_int8.h includes this file.
#pragma once

#include "quantise.h"

namespace {

constexpr std::int64_t kMostWide = 4096;  // codes of a row that are widened at once
// Rows at multiples of 4096 bytes would take turns in the way predictor of AMD's caches.
constexpr std::int64_t kWideStride = kMostWide + 32;

/// Codes of some rows in 16 bits.
template <int rows>
struct WideCodes {
  alignas(32) std::int16_t codes[rows][kWideStride];
};

// Widens `count` codes, a multiple of four.
__attribute__((noinline)) inline void widen_codes(const std::uint8_t* from, std::int64_t count,
                                                  std::int16_t* to) {
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_cvtepu8_epi16(bytes));
  }
  for (; i < count; i += 4) {
    std::int32_t four;
    __builtin_memcpy(&four, from + i, sizeof(four));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i),
                     _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four)));
  }
}

// Returns four codes, for each of the four columns of a vector.
inline __m256i four_codes(const std::int16_t* codes) {
  std::int64_t four;
  __builtin_memcpy(&four, codes, sizeof(four));
  return _mm256_set1_epi64x(four);
}

// Returns sum + the products of pairs. It is written in assembly, because the registers suffice for
// six rows only if each product is added at once.
inline __m256i add_pairs(__m256i sum, __m256i codes, __m256i weights) {
  __m256i products;
  asm("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0"
      : "+x"(sum), "=&x"(products)
      : "x"(codes), "x"(weights));
  return sum;
}

// Adds the products of rows with one half of a panel of weights, eight columns, to sum[2 * row]. A
// lane of `pairs` has the products of every second pair of codes with one column. It is a function
// of its own, which has all registers.
template <int rows>
__attribute__((noinline)) void add_half_panel(Integers* sum,
                                              const std::int16_t (*wide)[kWideStride],
                                              std::int64_t depth, const std::int8_t* weights) {
  __m256i pairs[rows][2] = {};
  for (std::int64_t k = 0; k < depth; k += 4, weights += 4 * kPanel) {
    const auto* from = reinterpret_cast<const __m128i*>(weights);
    const __m256i left = _mm256_cvtepi8_epi16(_mm_loadu_si128(from));
    const __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128(from + 1));
#pragma GCC unroll 6
    for (int i = 0; i < rows; ++i) {
      const __m256i codes = four_codes(wide[i] + k);
      pairs[i][0] = add_pairs(pairs[i][0], codes, left);
      pairs[i][1] = add_pairs(pairs[i][1], codes, right);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < rows; ++i) {
    const __m256i mixed = _mm256_hadd_epi32(pairs[i][0], pairs[i][1]);  // columns 0 1 4 5 2 3 6 7
    sum[2 * i] += (Integers)_mm256_permute4x64_epi64(mixed, 0xD8);
  }
}

// Adds the products of widened codes; `weights` moves past those of the last one.
template <int rows>
inline void add_wide_rows(Integers (&sum)[rows][2], const WideCodes<rows>& wide, std::int64_t depth,
                          const std::int8_t*& weights) {
  add_half_panel<rows>(sum[0], wide.codes, depth, weights);
  add_half_panel<rows>(sum[0] + 1, wide.codes, depth, weights + 2 * kPanel);
  weights += depth * kPanel;
}

// The same for rows that are not widened yet.
template <int rows>
inline void add_row_dots(Integers (&sum)[rows][2], const std::uint8_t* const (&row)[rows],
                         std::int64_t depth, const std::int8_t*& weights) {
  WideCodes<rows> wide;
  for (std::int64_t k = 0; k < depth; k += kMostWide) {
    const std::int64_t count = depth - k < kMostWide ? depth - k : kMostWide;
    for (int i = 0; i < rows; ++i) widen_codes(row[i] + k, count, wide.codes[i]);
    add_wide_rows(sum, wide, count, weights);
  }
}

}  // namespace
