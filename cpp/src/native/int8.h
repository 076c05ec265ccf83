// Linear layers and convolutions of int8 codes. Included by each translation unit of operators.h
// alone.
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

/// Sums of a tile as float32, on their way to `finish`.
struct ScaledSums {
  static constexpr Accuracy kAccuracy = Accuracy::codes;

  const std::int32_t* sums;
  std::int64_t stride;
  const float *totals, *scales;  // of the tile's columns
  const Value* bias;
  Range ranges[kInt8Rows];

  ScaledSums(const ProductsInt8& work, const Tile& tile, const std::int32_t* tile_sums,
             std::int64_t tile_stride)
      : sums(tile_sums),
        stride(tile_stride),
        totals(work.weights->totals + tile.column),
        scales(work.weights->scales + tile.column),
        bias(work.epilogue->bias == nullptr ? kZeros
                                            : values_of(work.epilogue->bias) + tile.column) {
    for (int row = 0; row < tile.rows; ++row) {
      const std::int64_t number = tile.first + row;
      ranges[row] = work.ranges[work.together == 1 ? number : number / work.together];
    }
  }

  struct Column {
    const std::int32_t* sums;
    std::int64_t stride;
    Wide totals[kWides], scales[kWides], bias[kWides];
    const Range* ranges;

    Vector at(int row) const {
      Wide values[kWides];
      for (int w = 0; w < kWides; ++w) {
        Integers sum;
        __builtin_memcpy(&sum, sums + row * stride + w * kWideLanes, sizeof(sum));
        const Wide value = to_floats(sum) - ranges[row].zero * totals[w];
        values[w] = value * ranges[row].scale * scales[w] + bias[w];
      }
      return joined(values);
    }
  };
  Column column(std::int64_t i) const {
    Column found;
    found.sums = sums + i;
    found.stride = stride;
    for (int w = 0; w < kWides; ++w) {
      found.totals[w] = load(totals + i + w * kWideLanes);
      found.scales[w] = load(scales + i + w * kWideLanes);
      found.bias[w] = load_wide(bias + i + w * kWideLanes);
    }
    found.ranges = ranges;
    return found;
  }
};

// The products of some rows with the panels `panel` to `end`.
inline void multiply_rows_of(const ProductsInt8& work, const std::uint8_t** pointers,
                             std::int64_t first, int rows, std::int64_t panel, std::int64_t end) {
  const TileCodes input{pointers, work.taps, work.depth};
  alignas(64) std::int32_t sums[kInt8Rows * kInt8Panels * kPanel];
  const std::int64_t panel_stride = work.taps * work.depth * kPanel;
  while (panel < end) {
    const int panels = end - panel < kInt8Panels ? static_cast<int>(end - panel) : kInt8Panels;
    const std::int64_t column = panel * kPanel, stride = panels * kPanel;
    multiply_int8_tile(rows, panels)(input, work.weights->codes + panel * panel_stride,
                                     panel_stride, sums);
    const std::int64_t left = work.columns - column;
    const Tile tile{first, column, left < stride ? left : stride, rows};
    finish(*work.epilogue, *work.bases, tile, ScaledSums(work, tile, sums, stride));
    panel += panels;
  }
}

// Four codes are as many bytes as a float32 value, and take as long.
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
          in_fours(layer.depth),
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
  const std::uint8_t* codes = bytes_at(*work.bases, window.offset);
  const std::uint8_t* zeros = bytes_at(*work.bases, layer.zeros);
  const auto pixel_at = [&](std::int64_t y, std::int64_t x) {
    return is_inside(window, y, x) ? codes + y * window.row_stride + x * window.pixel_stride
                                   : zeros;
  };
  point_at_taps<ProductsInt8>(window, first, rows, pixel_at, pointers);
}

inline void run(const ConvolutionInt8& layer, const Bases& bases) {
  const Window& window = layer.window;
  const std::int64_t outputs = window.out_height * window.out_width;
  run_products({&bases,
                &layer.epilogue,
                &layer.weights,
                ranges_at(bases, layer.ranges),
                outputs,
                layer.columns,
                window.kernel_height * window.kernel_width,
                in_fours(window.channels),
                outputs,
                {},
                &layer,
                point_at_code_windows});
}

}  // namespace
