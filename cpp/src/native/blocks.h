// Computes the products of a layer in jobs, for any kind of numbers. Included by each translation
// unit of operators.h, and nowhere else.
//
// Work is Products (linear.h) or ProductsInt8 (int8.h). It has the rows and panels of a tile, finds
// a tile's rows, and has an overload of `multiply_rows_of`.
#pragma once

#include "epilogue.h"
#include "operations.h"
#include "product.h"
#include "workers.h"

namespace {

using hvit_edge::native::kMostTaps;
using hvit_edge::native::share_out;
using hvit_edge::native::Window;
using hvit_edge::native::worker_count;

constexpr std::int64_t kCachedWeights = 256 * 1024;  // bytes in a thread's private cache
constexpr std::int64_t kSmallestJob = 100 * 1000;    // multiply-adds
constexpr std::int64_t kJobsOfWorker = 16;  // if one is interrupted, others take over the rest

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

inline std::int64_t quotient_up(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

/// How the products of a layer are cut into jobs: blocks of rows times blocks of panels.
struct Blocks {
  std::int64_t rows, panels;              // of a block
  std::int64_t row_blocks, panel_blocks;  // how many

  std::int64_t jobs() const { return row_blocks * panel_blocks; }
};

// Returns how many of `left` panels the next tile takes; it avoids a last tile of one panel if two
// tiles of two are faster.
inline int next_panels(std::int64_t left, int most) {
  if (left == most + 1 && most == 3) return 2;
  return static_cast<int>(least(left, most));
}

// Cuts a layer so that a block of weights stays in the cache while a block of rows is multiplied.
inline Blocks cut(std::int64_t rows, std::int64_t panels, std::int64_t depth, int tile_rows,
                  int tile_panels) {
  const std::int64_t tiles = quotient_up(rows, tile_rows);
  const std::int64_t work = rows * panels * kPanel * depth;
  const std::int64_t enough = worker_count() == 1 ? 1 : kJobsOfWorker * worker_count();
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

// Computes the tiles of some rows: `multiply_panels` gives the sums of a few panels, and many are
// finished together.
template <Accuracy accuracy, class Work, class MultiplyPanels>
void finish_panels(const Work& work, std::int64_t first, int rows, std::int64_t panel,
                   std::int64_t end, Lane* sums, const MultiplyPanels& multiply_panels) {
  constexpr std::int64_t kTogether = kColumnsTogether / kPanel;
  const TileRows to(*work.epilogue, *work.bases, first, rows);
  while (panel < end) {
    const std::int64_t start = panel, stop = least(panel + kTogether, end);
    while (panel < stop) {
      const int panels = next_panels(stop - panel, Work::kPanels);
      const std::int64_t tiles = Work::kPanels > 1 ? 1 : stop - panel;
      Lane* to_here = sums + (panel - start) * kPanel;
      multiply_panels(panel, panels, TileSums{to_here, kColumnsTogether, tiles});
      panel += tiles * panels;
    }
    const std::int64_t column = start * kPanel;
    const std::int64_t columns = least(work.columns, stop * kPanel) - column;
    finish<accuracy>(*work.epilogue, Tile{&to, column, columns, sums, kColumnsTogether});
  }
}

// Multiplies rows `start` to `stop` by panels `panel` to `end`.
template <class Work>
void multiply_between(const Work& work, std::int64_t start, std::int64_t stop, std::int64_t panel,
                      std::int64_t end) {
  typename Work::Pointer pointers[kMostTaps * Work::kRows];
  for (std::int64_t first = start; first < stop; first += Work::kRows) {
    const int rows = static_cast<int>(least(stop - first, Work::kRows));
    work.points_at(work, first, rows, pointers);
    multiply_rows_of(work, pointers, first, rows, panel, end);
  }
}

template <class Work>
void multiply_block(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const Work*>(context);
  const Blocks& blocks = work.blocks;
  const std::int64_t start = index / blocks.panel_blocks * blocks.rows;
  const std::int64_t panel = index % blocks.panel_blocks * blocks.panels;
  const std::int64_t panels = quotient_up(work.columns, kPanel);
  multiply_between(work, start, least(start + blocks.rows, work.rows), panel,
                   least(panel + blocks.panels, panels));
}

/// Runs all products; `depth` is the cost of each row in float32 multiplications.
template <class Work>
void run_blocks(Work work, std::int64_t depth) {
  work.blocks =
      cut(work.rows, quotient_up(work.columns, kPanel), depth, Work::kRows, Work::kPanels);
  share_out(work.blocks.jobs(), multiply_block<Work>, &work);
}

inline bool is_inside(const Window& window, std::int64_t y, std::int64_t x) {
  return y >= 0 && x >= 0 && y < window.height && x < window.width;
}

// Returns true if the window of the output whose window begins at (top, left) is all on the map.
inline bool is_whole(const Window& window, std::int64_t top, std::int64_t left) {
  return top >= 0 && left >= 0 && top + window.kernel_height <= window.height &&
         left + window.kernel_width <= window.width;
}

/// A map in memory, and a pixel of zeros for windows that extend beyond it.
template <class Pointer>
struct Map {
  Pointer pixels, zeros;
};

// The address of the pixel that each tap of each row of a tile reads.
template <class Work>
void point_at_taps(const Window& window, std::int64_t first, int rows,
                   const Map<typename Work::Pointer>& map, typename Work::Pointer* pointers) {
  std::int64_t oy = first / window.out_width, ox = first % window.out_width;
  for (int i = 0; i < rows; ++i) {
    const std::int64_t top = oy * window.stride_height - window.pad_height;
    const std::int64_t left = ox * window.stride_width - window.pad_width;
    const bool whole = is_whole(window, top, left);
    typename Work::Pointer* place = pointers + i;
    for (std::int64_t y = top; y < top + window.kernel_height; ++y) {
      const std::int64_t row = y * window.row_stride;
      for (std::int64_t x = left; x < left + window.kernel_width; ++x, place += Work::kRows) {
        const bool reads = whole || is_inside(window, y, x);
        *place = reads ? map.pixels + (row + x * window.pixel_stride) : map.zeros;
      }
    }
    if (++ox == window.out_width) {
      ox = 0;
      ++oy;
    }
  }
}

}  // namespace
