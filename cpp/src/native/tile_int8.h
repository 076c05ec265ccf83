// What the kernels of an int8 tile read. Included by each translation unit of operators.h, and
// nowhere else.
#pragma once

#include "quantise.h"

#if defined(__AVX2__) && !defined(__AVX512VNNI__)
#define HVIT_EDGE_WIDE_CODES 1  // there is also a kernel of codes that are widened before
#endif

namespace {

#if defined(__AVX512VNNI__)
constexpr int kInt8Rows = 7, kInt8Panels = 3;
#elif defined(__ARM_FEATURE_DOTPROD) || defined(HVIT_EDGE_WIDE_CODES)
constexpr int kInt8Rows = 6, kInt8Panels = 1;
#else
constexpr int kInt8Rows = 2, kInt8Panels = 1;
#endif

/// The input of a tile: for each of `taps`, `depth` codes of each row.
struct TileCodes {
  const std::uint8_t* const* rows;  // [taps][kInt8Rows]
  std::int64_t taps, depth;
  bool vnni = false;           // AVX-VNNI multiplies them
  const void* wide = nullptr;  // or else the WideCodes of the rows, if all taps fit
};

/// Converts sums to numbers, with values of the rows and of the tile's columns.
struct Scaling {
  const Range* ranges;
  const float *totals, *scales;
  const Value* bias;
};

}  // namespace
