// Matrix products of a few rows with packed weights: the kernel of linear layers, convolutions and
// attention. Included by each translation unit of operators.h alone.
#pragma once

#include "operations.h"
#include "values.h"

namespace {
using hvit_edge::native::kPanel;
}

#if defined(__aarch64__) && (!defined(HVIT_EDGE_HALF) || defined(HVIT_EDGE_HALF_LANES))
#define HVIT_EDGE_MULTIPLY_BY_LANES 1
#include "product_neon.h"
#endif

namespace {

constexpr int kVectorsOfPanel = static_cast<int>(kPanel) / kLanes;
// Rows and panels of a tile: as many accumulators as registers hold beside one row of weights.
#if defined(__AVX512F__)
constexpr int kTileRows = 8, kTilePanels = 3;
#elif defined(HVIT_EDGE_HALF_LANES)
constexpr int kTileRows = 8, kTilePanels = 1;
#elif defined(__AVX2__) || defined(__aarch64__)
constexpr int kTileRows = 6, kTilePanels = 1;
#else
constexpr int kTileRows = 2, kTilePanels = 1;
#endif

/// What a tile multiplies: for each of `taps`, `depth` values of each row.
struct TileInput {
  const Value* const* rows;  // [taps][kTileRows]
  std::int64_t taps, depth;
  const std::int32_t* places;  // of the values of a row, where they are not side by side
  // How many values behind the weights that are read those lie which are read from memory next.
  std::int64_t ahead = 0;
};

// sums[row * sums_stride + panel * 16 + column], from `bias` (or zero) on.
template <int rows, int panels, bool scattered>
void multiply(const TileInput& input, const Value* weights, std::int64_t panel_stride,
              const Value* bias, Lane* sums, std::int64_t sums_stride) {
  constexpr int vectors = panels * kVectorsOfPanel;
  Vector sum[rows][vectors];
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j) {
    const Vector start = bias != nullptr ? load(bias + j * kLanes) : Vector{};
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) sum[i][j] = start;
  }
  for (std::int64_t tap = 0; tap < input.taps; ++tap) {
    const Value* row[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) row[i] = input.rows[tap * kTileRows + i];
#if defined(HVIT_EDGE_MULTIPLY_BY_LANES)
    if constexpr (!scattered) {
      add_row_products<rows>(sum, row, input.depth, weights);
      continue;
    }
#endif
    for (std::int64_t k = 0; k < input.depth; ++k, weights += kPanel) {
      const std::int64_t place = scattered ? input.places[k] : k;
      __builtin_prefetch(weights + input.ahead, 0, 2);
      Vector weight[vectors];
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) {
        weight[j] =
            load(weights + (j / kVectorsOfPanel) * panel_stride + (j % kVectorsOfPanel) * kLanes);
      }
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) {
        const Vector value = all(static_cast<float>(row[i][place]));
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) sum[i][j] += value * weight[j];
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) store(sums + i * sums_stride + j * kLanes, sum[i][j]);
  }
}

using Multiply = void (*)(const TileInput&, const Value*, std::int64_t, const Value*, Lane*,
                          std::int64_t);

template <int panels, bool scattered>
Multiply multiply_rows(int rows) {
  switch (rows) {
#if defined(__AVX512F__) || defined(HVIT_EDGE_HALF_LANES)
    case 8:
      return multiply<8, panels, scattered>;
    case 7:
      return multiply<7, panels, scattered>;
#endif
#if defined(__AVX2__) || defined(__aarch64__)
    case 6:
      return multiply<6, panels, scattered>;
    case 5:
      return multiply<5, panels, scattered>;
    case 4:
      return multiply<4, panels, scattered>;
    case 3:
      return multiply<3, panels, scattered>;
#endif
    case 2:
      return multiply<2, panels, scattered>;
    default:
      return multiply<1, panels, scattered>;
  }
}

// The kernel of a tile of so many rows and panels.
inline Multiply multiply_tile(int rows, [[maybe_unused]] int panels, bool scattered) {
#if defined(__AVX512F__)
  if (panels == 3) return scattered ? multiply_rows<3, true>(rows) : multiply_rows<3, false>(rows);
  if (panels == 2) return scattered ? multiply_rows<2, true>(rows) : multiply_rows<2, false>(rows);
#endif
  return scattered ? multiply_rows<1, true>(rows) : multiply_rows<1, false>(rows);
}

// How many of `left` panels the next tile takes: never one alone where two and two are better.
inline int next_panels(std::int64_t left) {
  if (left == kTilePanels + 1 && kTilePanels == 3) return 2;
  return static_cast<int>(left < kTilePanels ? left : kTilePanels);
}

}  // namespace
