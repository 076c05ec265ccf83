// Linear layers and convolutions. Included by each translation unit of operators.h, and nowhere
// else.
#pragma once

#include "blocks.h"
#include "epilogue.h"
#include "product.h"
#include "zeros.h"

namespace {

using hvit_edge::native::Convolution;
using hvit_edge::native::Linear;

/// A layer's products: `points_at` finds the rows of a tile.
struct Products {
  using Pointer = const Value*;
  static constexpr int kRows = kTileRows, kPanels = kTilePanels;  // of a tile

  const Bases* bases;
  const Epilogue* epilogue;
  const Value* weights;
  std::int64_t rows, columns, taps, depth;
  const std::int32_t* places;
  Blocks blocks;
  const void* layer;
  void (*points_at)(const Products&, std::int64_t first, int rows, const Value** pointers);
};

inline const Value* zeros() { return hvit_edge::native::zeros_of<Value>(); }

// Multiplies some rows by the panels `panel` to `end`.
inline void multiply_rows_of(const Products& work, const Value** pointers, std::int64_t first,
                             int rows, std::int64_t panel, std::int64_t end) {
  const std::int64_t panel_stride = work.taps * work.depth * kPanel;
  // While rows are multiplied by this block of weights, the next one is loaded into the cache,
  // panel by panel.
  const std::int64_t ahead = (work.blocks.panels + first / kTileRows % kTilePanels) * panel_stride;
  const TileInput input{pointers, work.taps, work.depth, work.places, ahead};
  const Value* bias = values_of(work.epilogue->bias);
  alignas(64) Lane sums[kTileRows * kColumnsTogether];
  const auto multiply_panels = [&](std::int64_t start, int panels, const TileSums& to) {
    multiply_tile(rows, panels, work.places != nullptr)(
        input, work.weights + start * panel_stride, panel_stride,
        bias == nullptr ? nullptr : bias + start * kPanel, to);
  };
  finish_panels<Accuracy::float32>(work, first, rows, panel, end, sums, multiply_panels);
}

inline void point_at_rows(const Products& work, std::int64_t first, int rows,
                          const Value** pointers) {
  const auto& layer = *static_cast<const Linear*>(work.layer);
  for (int i = 0; i < rows; ++i) pointers[i] = row_of(layer.input, *work.bases, first + i);
}

inline Products products_of(const Linear& layer, const Bases& bases) {
  return {&bases,      &layer.epilogue, values_of(layer.weights),
          layer.rows,  layer.columns,   1,
          layer.depth, layer.taps,      {},
          &layer,      point_at_rows};
}

inline void run(const Linear& layer, const Bases& bases) {
  run_blocks(products_of(layer, bases), layer.depth);
}

inline void point_at_windows(const Products& work, std::int64_t first, int rows,
                             const Value** pointers) {
  const Window& window = static_cast<const Convolution*>(work.layer)->window;
  const Map<const Value*> map{values_at(*work.bases, window.space, window.offset), zeros()};
  point_at_taps<Products>(window, first, rows, map, pointers);
}

inline void run(const Convolution& layer, const Bases& bases) {
  const Window& window = layer.window;
  const std::int64_t taps = window.taps();
  run_blocks(Products{&bases,
                      &layer.epilogue,
                      values_of(layer.weights),
                      window.outputs(),
                      layer.columns,
                      taps,
                      window.channels,
                      nullptr,
                      {},
                      &layer,
                      point_at_windows},
             taps * window.channels);
}

}  // namespace
