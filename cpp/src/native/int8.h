// Linear layers and convolutions of int8 codes. Included by each translation unit of operators.h,
// and nowhere else.
#pragma once

#include "linear.h"
#include "product_int8.h"

namespace {

using hvit_edge::native::ConvolutionInt8;
using hvit_edge::native::Int8Weights;
using hvit_edge::native::LinearInt8;

/// A layer's products: `points_at` finds the rows of a tile.
struct ProductsInt8 {
  using Pointer = const std::uint8_t*;
  static constexpr int kRows = kInt8Rows, kPanels = kInt8Panels;  // of a tile

  const Bases* bases;
  const Epilogue* epilogue;
  const Int8Weights* weights;
  const Range* ranges;
  std::int64_t rows, columns, taps, depth, together;
  Blocks blocks;
  const void* layer;
  void (*points_at)(const ProductsInt8&, std::int64_t first, int rows,
                    const std::uint8_t** pointers);
};

// Multiplies some rows by the panels `panel` to `end`.
inline void multiply_rows_of(const ProductsInt8& work, const std::uint8_t** pointers,
                             std::int64_t first, int rows, std::int64_t panel, std::int64_t end) {
  const TileCodes input{pointers, work.taps, work.depth, work.bases->avxvnni};
  const std::int64_t panel_stride = work.taps * work.depth * kPanel;
  Range ranges[kInt8Rows];
  for (int row = 0; row < rows; ++row) {
    const std::int64_t number = first + row;
    ranges[row] = work.ranges[work.together == 1 ? number : number / work.together];
  }
  const Int8Weights& weights = *work.weights;
  const Value* bias = values_of(work.epilogue->bias);
  alignas(64) Lane sums[kInt8Rows * kColumnsTogether];
  const auto multiply_panels = [&](std::int64_t start, int panels, const TileSums& to) {
    const std::int64_t column = start * kPanel;
    const Scaling scaling{ranges, weights.totals + column, weights.scales + column,
                          bias == nullptr ? zeros() : bias + column};
    multiply_int8_tile(rows, panels)(input, weights.codes + start * panel_stride, panel_stride,
                                     scaling, to.sums, to.tiles);
  };
  finish_panels<kAccuracyOfCodes>(work, first, rows, panel, end, sums, multiply_panels);
}

// Four codes have the bytes of a float32 value, and take as much time.
inline void run_products(const ProductsInt8& work) {
  run_blocks(work, quotient_up(work.taps * work.depth, 4));
}

inline const Range* ranges_at(const Bases& bases, std::int64_t offset) {
  return reinterpret_cast<const Range*>(bases.at(Space::arena, offset));
}

inline void point_at_codes(const ProductsInt8& work, std::int64_t first, int rows,
                           const std::uint8_t** pointers) {
  const auto& layer = *static_cast<const LinearInt8*>(work.layer);
  const std::uint8_t* codes = bytes_at(*work.bases, layer.codes);
  for (int i = 0; i < rows; ++i) pointers[i] = codes + (first + i) * work.depth;
}

inline ProductsInt8 products_of(const LinearInt8& layer, const Bases& bases) {
  return {&bases,
          &layer.epilogue,
          &layer.weights,
          ranges_at(bases, layer.ranges),
          layer.rows,
          layer.columns,
          1,
          code_bytes(layer.depth),
          layer.together,
          {},
          &layer,
          point_at_codes};
}

inline void run(const LinearInt8& layer, const Bases& bases) {
  run_products(products_of(layer, bases));
}

inline void point_at_code_windows(const ProductsInt8& work, std::int64_t first, int rows,
                                  const std::uint8_t** pointers) {
  const auto& layer = *static_cast<const ConvolutionInt8*>(work.layer);
  const Window& window = layer.window;
  const Map<const std::uint8_t*> map{bytes_at(*work.bases, window.offset),
                                     bytes_at(*work.bases, layer.zeros)};
  point_at_taps<ProductsInt8>(window, first, rows, map, pointers);
}

inline void run(const ConvolutionInt8& layer, const Bases& bases) {
  const Window& window = layer.window;
  const std::int64_t outputs = window.outputs();
  run_products({&bases,
                &layer.epilogue,
                &layer.weights,
                ranges_at(bases, layer.ranges),
                outputs,
                layer.columns,
                window.taps(),
                code_bytes(window.channels),
                outputs,
                {},
                &layer,
                point_at_code_windows});
}

}  // namespace
