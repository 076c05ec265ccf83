// Matrix products of a few rows with packed weights: the kernel of linear layers, convolutions and
// attention. Included by each translation unit of operators.h, and nowhere else.
#pragma once

#include "epilogue.h"
#include "operations.h"

namespace {
using hvit_edge::native::kPanel;
}

#if defined(__aarch64__) && (!defined(HVIT_EDGE_HALF) || defined(HVIT_EDGE_HALF_LANES))
#define HVIT_EDGE_MULTIPLY_BY_LANES 1
#include "product_neon.h"
#endif

namespace {

// Rows and panels of a tile: as many accumulators as fit into the registers next to one row of
// weights.
#if defined(__AVX512F__)
constexpr int kTileRows = 8, kTilePanels = 3;
#elif defined(HVIT_EDGE_HALF_LANES)
constexpr int kTileRows = 8, kTilePanels = 1;
#elif defined(__AVX2__) || defined(__aarch64__)
constexpr int kTileRows = 6, kTilePanels = 1;
#elif defined(__wasm_simd128__) && defined(HVIT_EDGE_HALF)
constexpr int kTileRows = 4, kTilePanels = 1;  // for each conversion of weights
#else
constexpr int kTileRows = 2, kTilePanels = 1;
#endif

/// The input of a tile: for each of `taps`, `depth` values of each row.
struct TileInput {
  const Value* const* rows;  // [taps][kTileRows]
  std::int64_t taps, depth;
  const std::int32_t* places;  // of the values of a row, if they are not side by side
  // The distance in values from the weights that are read to those that are prefetched.
  std::int64_t ahead = 0;
};

/// The output of a tile: sums at [row * stride + column]. Tiles of one panel come several at once.
struct TileSums {
  Lane* sums;
  std::int64_t stride;
  std::int64_t tiles = 1;
};

// The sums of a tile, from `bias` (or zero) on; `weights` moves past those of its first panel.
template <int rows, int vectors, bool scattered>
__attribute__((always_inline)) inline void multiply_one(const TileInput& input,
                                                        const Value*& weights,
                                                        std::int64_t panel_stride,
                                                        const Value* bias, Lane* sums,
                                                        std::int64_t stride) {
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
    for (int j = 0; j < vectors; ++j) store(sums + i * stride + j * kLanes, sum[i][j]);
  }
}

template <int rows, int vectors, bool scattered>
void multiply(const TileInput& input, const Value* weights, std::int64_t panel_stride,
              const Value* bias, const TileSums& to) {
  const std::int64_t stride = to.stride, end = to.tiles * kPanel;
  for (std::int64_t column = 0; column < end; column += kPanel) {
    multiply_one<rows, vectors, scattered>(input, weights, panel_stride,
                                           bias == nullptr ? nullptr : bias + column,
                                           to.sums + column, stride);
  }
}

using Multiply = void (*)(const TileInput&, const Value*, std::int64_t, const Value*,
                          const TileSums&);

template <int vectors, bool scattered>
Multiply multiply_rows(int rows) {
  switch (rows) {
#if defined(__AVX512F__) || defined(HVIT_EDGE_HALF_LANES)
    case 8:
      return multiply<8, vectors, scattered>;
    case 7:
      return multiply<7, vectors, scattered>;
#endif
#if defined(__AVX2__) || defined(__aarch64__)
    case 6:
      return multiply<6, vectors, scattered>;
    case 5:
      return multiply<5, vectors, scattered>;
#endif
#if defined(__AVX2__) || defined(__aarch64__) || \
    (defined(__wasm_simd128__) && defined(HVIT_EDGE_HALF))
    case 4:
      return multiply<4, vectors, scattered>;
    case 3:
      return multiply<3, vectors, scattered>;
#endif
    case 2:
      return multiply<2, vectors, scattered>;
    default:
      return multiply<1, vectors, scattered>;
  }
}

// Returns the kernel of a tile of so many rows and panels.
inline Multiply multiply_tile(int rows, [[maybe_unused]] int panels, bool scattered) {
#if defined(__AVX512F__)
  if (panels == 3) return scattered ? multiply_rows<3, true>(rows) : multiply_rows<3, false>(rows);
  if (panels == 2) return scattered ? multiply_rows<2, true>(rows) : multiply_rows<2, false>(rows);
#endif
  constexpr int vectors = kVectorsOfPanel;
  return scattered ? multiply_rows<vectors, true>(rows) : multiply_rows<vectors, false>(rows);
}

// Does the same for the first half of a panel, if that is whole vectors.
inline Multiply multiply_half_panel(int rows) {
  constexpr int vectors = kVectorsOfPanel > 1 ? kVectorsOfPanel / 2 : 1;
  return multiply_rows<vectors, false>(rows);
}

}  // namespace
