// Linear layers and convolutions. Included by each translation unit of operators.h alone.
#pragma once

#include "epilogue.h"
#include "product.h"
#include "workers.h"

namespace {

using hvit_edge::native::Convolution;
using hvit_edge::native::kMostTaps;
using hvit_edge::native::Linear;
using hvit_edge::native::share_out;
using hvit_edge::native::Window;
using hvit_edge::native::worker_count;

constexpr std::int64_t kCachedWeights = 256 * 1024;  // bytes of a thread's own cache
constexpr std::int64_t kSmallestJob = 100 * 1000;    // multiply-adds

inline std::int64_t quotient_up(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

/// How the products of a layer are cut into jobs: blocks of rows times blocks of panels.
struct Blocks {
  std::int64_t rows, panels;              // of a block
  std::int64_t row_blocks, panel_blocks;  // how many

  std::int64_t jobs() const { return row_blocks * panel_blocks; }
};

// Each block of weights stays in the cache while a block of rows passes by.
inline Blocks cut(std::int64_t rows, std::int64_t panels, std::int64_t depth, int tile_rows,
                  int tile_panels) {
  const std::int64_t tiles = quotient_up(rows, tile_rows);
  const std::int64_t work = rows * panels * kPanel * depth;
  const std::int64_t enough = worker_count() == 1 ? 1 : 4 * worker_count();
  std::int64_t wanted = work / kSmallestJob;
  wanted = wanted < 1 ? 1 : (wanted > enough ? enough : wanted);
  std::int64_t block = kCachedWeights / (depth * kPanel * 4) / tile_panels * tile_panels;
  block = block < tile_panels ? tile_panels : (block > panels ? panels : block);
  Blocks blocks{};
  blocks.row_blocks = quotient_up(wanted, quotient_up(panels, block));
  blocks.row_blocks = blocks.row_blocks > tiles ? tiles : blocks.row_blocks;
  blocks.rows = quotient_up(tiles, blocks.row_blocks) * tile_rows;
  blocks.row_blocks = quotient_up(rows, blocks.rows);
  const std::int64_t across = quotient_up(wanted, blocks.row_blocks);
  if (quotient_up(panels, block) < across) block = quotient_up(panels, across);
  blocks.panels = block;
  blocks.panel_blocks = quotient_up(panels, block);
  return blocks;
}

/// A layer's products: `points_at` finds the rows of a tile.
struct Products {
  const Bases* bases;
  const Epilogue* epilogue;
  const float* weights;
  std::int64_t rows, columns, taps, depth;
  const std::int32_t* places;
  Blocks blocks;
  const void* layer;
  void (*points_at)(const Products&, std::int64_t first, int rows, const float** pointers);
};

const float kZeros[hvit_edge::native::kMostChannels] = {};

// The products of some rows with the panels `panel` to `end`.
inline void multiply_rows_of(const Products& work, const TileInput& input, std::int64_t first,
                             int rows, std::int64_t panel, std::int64_t end) {
  alignas(64) float sums[kTileRows * kTilePanels * kPanel];
  const std::int64_t panel_stride = work.taps * work.depth * kPanel;
  while (panel < end) {
    const int panels = next_panels(end - panel);
    const std::int64_t column = panel * kPanel;
    const float* bias = work.epilogue->bias;
    multiply_tile(rows, panels, work.places != nullptr)(
        input, work.weights + panel * panel_stride, panel_stride,
        bias == nullptr ? nullptr : bias + column, sums, panels * kPanel);
    const std::int64_t left = work.columns - column;
    const Tile tile{first, column, left < panels * kPanel ? left : panels * kPanel, rows};
    finish(*work.epilogue, *work.bases, tile, FloatSums{sums, panels * kPanel});
    panel += panels;
  }
}

// Rows `start` to `stop`, panels `panel` to `end`.
inline void multiply_between(const Products& work, std::int64_t start, std::int64_t stop,
                             std::int64_t panel, std::int64_t end) {
  const float* pointers[kMostTaps * kTileRows];
  const TileInput input{pointers, work.taps, work.depth, work.places};
  for (std::int64_t first = start; first < stop; first += kTileRows) {
    const int rows = static_cast<int>(stop - first < kTileRows ? stop - first : kTileRows);
    work.points_at(work, first, rows, pointers);
    multiply_rows_of(work, input, first, rows, panel, end);
  }
}

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

inline void multiply_block(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const Products*>(context);
  const Blocks& blocks = work.blocks;
  const std::int64_t start = index / blocks.panel_blocks * blocks.rows;
  const std::int64_t panel = index % blocks.panel_blocks * blocks.panels;
  const std::int64_t panels = quotient_up(work.columns, kPanel);
  multiply_between(work, start, least(start + blocks.rows, work.rows), panel,
                   least(panel + blocks.panels, panels));
}

inline void run_products(Products work) {
  work.blocks = cut(work.rows, quotient_up(work.columns, kPanel), work.taps * work.depth, kTileRows,
                    kTilePanels);
  share_out(work.blocks.jobs(), multiply_block, &work);
}

inline void point_at_rows(const Products& work, std::int64_t first, int rows,
                          const float** pointers) {
  const auto& layer = *static_cast<const Linear*>(work.layer);
  for (int i = 0; i < rows; ++i) pointers[i] = row_of(layer.input, *work.bases, first + i);
}

inline Products products_of(const Linear& layer, const Bases& bases) {
  return {
      &bases, &layer.epilogue, layer.weights, layer.rows, layer.columns, 1, layer.depth, layer.taps,
      {},     &layer,          point_at_rows};
}

inline void run(const Linear& layer, const Bases& bases) {
  run_products(products_of(layer, bases));
}

// The pixel at (y, x) of a window's map, or zeros beside it.
inline const float* pixel(const Window& window, const Bases& bases, std::int64_t y,
                          std::int64_t x) {
  if (y < 0 || x < 0 || y >= window.height || x >= window.width) return kZeros;
  const std::int64_t row = window.ring != 0 ? y % window.ring : y;
  return bases.at(window.space, window.offset) + row * window.row_stride + x * window.pixel_stride;
}

inline void point_at_windows(const Products& work, std::int64_t first, int rows,
                             const float** pointers) {
  const Window& window = static_cast<const Convolution*>(work.layer)->window;
  for (int i = 0; i < rows; ++i) {
    const std::int64_t top =
        (first + i) / window.out_width * window.stride_height - window.pad_height;
    const std::int64_t left =
        (first + i) % window.out_width * window.stride_width - window.pad_width;
    const float** place = pointers + i;
    for (std::int64_t y = 0; y < window.kernel_height; ++y) {
      for (std::int64_t x = 0; x < window.kernel_width; ++x, place += kTileRows) {
        *place = pixel(window, *work.bases, top + y, left + x);
      }
    }
  }
}

inline void run(const Convolution& layer, const Bases& bases) {
  const Window& window = layer.window;
  run_products({&bases,
                &layer.epilogue,
                layer.weights,
                window.out_height * window.out_width,
                layer.columns,
                window.kernel_height * window.kernel_width,
                window.channels,
                nullptr,
                {},
                &layer,
                point_at_windows});
}

}  // namespace
