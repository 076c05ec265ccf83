// Matrix products of int8 rows with packed int8 weights. Included by each translation unit of
// operators.h, and nowhere else.
#pragma once

#include "product.h"
#include "quantise.h"
#include "tile_int8.h"

#if defined(__ARM_FEATURE_MATMUL_INT8)
#include "product_pairs.h"
#elif defined(__ARM_FEATURE_DOTPROD)
#include "product_dot.h"
#elif defined(__wasm_simd128__)
#include "product_wasm.h"
#elif defined(HVIT_EDGE_WIDE_CODES)
#include "product_avx2.h"
#endif
#if defined(__ARM_FEATURE_DOTPROD) || defined(__wasm_simd128__) || defined(HVIT_EDGE_WIDE_CODES)
#define HVIT_EDGE_ROW_DOTS 1  // the file has the kernel of a tile
#endif

namespace {

constexpr int kIntegersOfPanel = static_cast<int>(kPanel) / kWideLanes;

#if !defined(HVIT_EDGE_WIDE_CODES)
#define HVIT_EDGE_VNNI
#elif defined(HVIT_EDGE_EVEX)  // a test, which also runs on processors with AVX-512
#define HVIT_EDGE_VNNI __attribute__((target("avx512vl,avx512vnni")))
#define HVIT_EDGE_DPBUSD _mm256_dpbusd_epi32
#else
#define HVIT_EDGE_VNNI __attribute__((target("avxvnni")))
#define HVIT_EDGE_DPBUSD _mm256_dpbusd_avx_epi32
#endif

#if !defined(HVIT_EDGE_ROW_DOTS) || defined(HVIT_EDGE_WIDE_CODES)
// Adds the products of each lane's four weights with four codes to sum[lane].
HVIT_EDGE_VNNI inline Integers add_products(Integers sum, const std::int8_t* weights,
                                            std::int32_t codes) {
#if defined(__AVX512VNNI__)
  return (Integers)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(codes),
                                       _mm512_loadu_si512(weights));
#elif defined(HVIT_EDGE_WIDE_CODES)
  return (Integers)HVIT_EDGE_DPBUSD((__m256i)sum, _mm256_set1_epi32(codes),
                                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights)));
#else
  std::int8_t code[4];
  __builtin_memcpy(code, &codes, sizeof(code));
  for (int lane = 0; lane < kWideLanes; ++lane) {
    for (int k = 0; k < 4; ++k) sum[lane] += weights[4 * lane + k] * code[k];
  }
  return sum;
#endif
}

#endif

#if defined(__ARM_FEATURE_DOTPROD)
constexpr bool kStartsBelow = true;  // zero points are subtracted before the products
#else
constexpr bool kStartsBelow = false;  // or after them, in float32
#endif

// Sets the start of the sums of a vector of columns: the totals, times minus the zero of each row.
template <int rows, int vectors>
inline void start_sums(Integers (&sum)[rows][vectors], const Range* ranges, const float* totals) {
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j) {
    const Integers total = __builtin_convertvector(load(totals + j * kWideLanes), Integers);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const auto zero = kStartsBelow ? static_cast<std::int32_t>(ranges[i].zero) : 0;
      sum[i][j] = kStartsBelow ? total * -zero : Integers{};
    }
  }
}

// Writes one vector of columns to to[row * kColumnsTogether].
template <int rows, int vectors>
inline void scale_sums(const Integers (&sum)[rows][vectors], int first, const Scaling& scaling,
                       Lane* to) {
  const Range* ranges = scaling.ranges;
  Wide totals[kWides], scales[kWides];
  for (int w = 0; w < kWides; ++w) {
    totals[w] = load(scaling.totals + (first + w) * kWideLanes);
    scales[w] = load(scaling.scales + (first + w) * kWideLanes);
  }
  const Vector bias = load(scaling.bias + first * kWideLanes);
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
    Wide values[kWides];
#pragma GCC unroll 2
    for (int w = 0; w < kWides; ++w) {
      Wide value = to_floats(sum[i][first + w]);
      if (!kStartsBelow) value -= ranges[i].zero * totals[w];
      values[w] = value * ranges[i].scale * scales[w];
    }
    store(to + i * kColumnsTogether, joined(values) + bias);
  }
}

template <int rows, int vectors>
#if defined(HVIT_EDGE_WIDE_CODES)
__attribute__((noinline))
#endif
inline void scale_all(const Integers (&sum)[rows][vectors], const Scaling& scaling, Lane* to) {
#pragma GCC unroll 8
  for (int j = 0; j < vectors; j += kWides) scale_sums(sum, j, scaling, to + j * kWideLanes);
}

#if !defined(HVIT_EDGE_ROW_DOTS) || defined(HVIT_EDGE_WIDE_CODES)
#if defined(HVIT_EDGE_WIDE_CODES)  // callers have no VNNI
#define HVIT_EDGE_TILE HVIT_EDGE_VNNI __attribute__((noinline))
#else
#define HVIT_EDGE_TILE __attribute__((always_inline)) inline
#endif

// Adds the products of a tile; `weights` moves past those of its first panel.
template <int rows, int vectors>
HVIT_EDGE_TILE void add_tile(Integers (&sum)[rows][vectors], const TileCodes& input,
                             const std::int8_t*& weights, std::int64_t panel_stride) {
  for (std::int64_t tap = 0; tap < input.taps; ++tap) {
    const std::uint8_t* row[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) row[i] = input.rows[tap * kInt8Rows + i];
    for (std::int64_t k = 0; k < input.depth; k += 4, weights += 4 * kPanel) {
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) {
        std::int32_t codes;
        __builtin_memcpy(&codes, row[i] + k, sizeof(codes));
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) {
          sum[i][j] = add_products(sum[i][j],
                                   weights + (j / kIntegersOfPanel) * panel_stride +
                                       (j % kIntegersOfPanel) * 4 * kWideLanes,
                                   codes);
        }
      }
    }
  }
}
#endif

#if defined(HVIT_EDGE_ROW_DOTS) && !defined(__ARM_FEATURE_MATMUL_INT8)
// Adds the products of a tile of rows as they are in memory.
template <int rows, int vectors>
#if defined(HVIT_EDGE_WIDE_CODES)
__attribute__((noinline))
#else
__attribute__((always_inline))
#endif
inline void add_narrow_rows(Integers (&sum)[rows][vectors], const TileCodes& input,
                            const std::int8_t*& weights) {
  for (std::int64_t tap = 0; tap < input.taps; ++tap) {
    const std::uint8_t* row[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) row[i] = input.rows[tap * kInt8Rows + i];
    add_row_dots<rows>(sum, row, input.depth, weights);
  }
}
#endif

// The sums of a tile, [row * kColumnsTogether + column], as numbers; `weights` moves past those
// of its first panel.
template <int rows, int panels>
__attribute__((always_inline)) inline void multiply_int8_one(
    const TileCodes& input, const std::int8_t*& weights, [[maybe_unused]] std::int64_t panel_stride,
    const Scaling& scaling, Lane* sums) {
  constexpr int vectors = panels * kIntegersOfPanel;
  Integers sum[rows][vectors];
#if defined(__ARM_FEATURE_MATMUL_INT8)
  multiply_pairs(sum, input, weights, scaling);
#else
  start_sums(sum, scaling.ranges, scaling.totals);
#if defined(HVIT_EDGE_WIDE_CODES)
  if (input.vnni) {
    add_tile(sum, input, weights, panel_stride);
  } else if (input.wide != nullptr) {
    const auto& wide = *static_cast<const WideCodes<rows>*>(input.wide);
    add_wide_rows(sum, wide, input.taps * input.depth, weights);
  } else {
    add_narrow_rows(sum, input, weights);
  }
#elif defined(HVIT_EDGE_ROW_DOTS)
  add_narrow_rows(sum, input, weights);
#else
  add_tile(sum, input, weights, panel_stride);
#endif
#endif
  scale_all(sum, scaling, sums);
}

template <int rows, int panels>
void multiply_int8(const TileCodes& input, const std::int8_t* weights, std::int64_t panel_stride,
                   const Scaling& scaling, Lane* sums, std::int64_t tiles) {
#if defined(HVIT_EDGE_WIDE_CODES)
  WideCodes<rows> wide;
  TileCodes widened = input;
  if (!input.vnni && input.taps * input.depth <= kMostWide) {
    for (std::int64_t tap = 0; tap < input.taps; ++tap) {
      for (int i = 0; i < rows; ++i) {
        const std::uint8_t* row = input.rows[tap * kInt8Rows + i];
        widen_codes(row, input.depth, wide.codes[i] + tap * input.depth);
      }
    }
    widened.wide = &wide;
  }
#else
  const TileCodes& widened = input;
#endif
  for (std::int64_t column = 0; column < tiles * kPanel; column += kPanel) {
    const Scaling here{scaling.ranges, scaling.totals + column, scaling.scales + column,
                       scaling.bias + column};
    multiply_int8_one<rows, panels>(widened, weights, panel_stride, here, sums + column);
  }
}

using MultiplyInt8 = void (*)(const TileCodes&, const std::int8_t*, std::int64_t, const Scaling&,
                              Lane*, std::int64_t tiles);

template <int panels>
MultiplyInt8 multiply_int8_rows(int rows) {
  switch (rows) {
#if defined(__AVX512VNNI__)
    case 7:
      return multiply_int8<7, panels>;
#endif
#if defined(__AVX512VNNI__) || defined(__ARM_FEATURE_DOTPROD) || defined(HVIT_EDGE_WIDE_CODES)
    case 6:
      return multiply_int8<6, panels>;
    case 5:
      return multiply_int8<5, panels>;
    case 4:
      return multiply_int8<4, panels>;
    case 3:
      return multiply_int8<3, panels>;
#endif
    case 2:
      return multiply_int8<2, panels>;
    default:
      return multiply_int8<1, panels>;
  }
}

// Returns the kernel of a tile of so many rows and panels.
inline MultiplyInt8 multiply_int8_tile(int rows, [[maybe_unused]] int panels) {
#if defined(__AVX512VNNI__)
  if (panels == 3) return multiply_int8_rows<3>(rows);
  if (panels == 2) return multiply_int8_rows<2>(rows);
#endif
  return multiply_int8_rows<1>(rows);
}

}  // namespace
