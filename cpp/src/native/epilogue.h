// The last steps for the products of a tile. Included by each translation unit of operators.h, and
// nowhere else.
#pragma once

#include "activations.h"
#include "operations.h"
#include "values.h"

namespace {

using hvit_edge::native::Epilogue;
using hvit_edge::native::kPanel;

constexpr int kVectorsOfPanel = static_cast<int>(kPanel) / kLanes;

constexpr int kMostTileRows = 8;
constexpr std::int64_t kColumnsTogether = 16 * kPanel;  // sums that are finished together

/// The places of a tile's output rows, and what is added to them.
struct TileRows {
  int count;
  Value* outputs[kMostTileRows];
  const Value* residuals[kMostTileRows];

  TileRows(const Epilogue& epilogue, const Bases& bases, std::int64_t first, int rows)
      : count(rows) {
    const bool adds = epilogue.residual.space != Space::none;
    for (int row = 0; row < rows; ++row) {
      outputs[row] = row_of(epilogue.output, bases, first + row);
      if (adds) residuals[row] = row_of(epilogue.residual, bases, first + row);
    }
  }
};

/// Sums of such rows, `stride` lanes a row, for the columns `column` to `column + columns`. They
/// are full vectors, even if the columns end in the middle of one.
struct Tile {
  const TileRows* rows;
  std::int64_t column, columns;
  Lane* sums;
  std::int64_t stride;
};

inline void copy_row(Value* to, const Value* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(to + i, load_some(from + i, count - i), count - i);
  }
}

template <Fused first, bool adds, Fused second, Accuracy accuracy>
Vector finished(Vector sum, const Value* residual, std::int64_t count) {
  const Vector value = activate<first, accuracy>(sum);
  if (!adds) return value;
  return activate<second, accuracy>(value + load_some(residual, count));
}

template <Fused first, bool adds, Fused second, Accuracy accuracy>
void finish_tile(const Tile& tile) {
  constexpr auto finish_one = finished<first, adds, second, accuracy>;
  const int count = tile.rows->count;
  const std::int64_t columns = tile.columns;
  for (int row = 0; row < count; ++row) {
    const Lane* sums = tile.sums + row * tile.stride;
    Value* output = tile.rows->outputs[row] + tile.column;
    const Value* residual = adds ? tile.rows->residuals[row] + tile.column : output;  // not read
    std::int64_t i = 0;
    for (; i + kPanel <= columns; i += kPanel) {
#pragma GCC unroll 4
      for (std::int64_t v = i; v < i + kPanel; v += kLanes) {
        store(output + v, finish_one(load(sums + v), residual + v, kLanes));
      }
    }
    for (; i < columns; i += kLanes) {
      store_some(output + i, finish_one(load(sums + i), residual + i, columns - i), columns - i);
    }
  }
}

template <Fused first, bool adds, Fused second, Accuracy accuracy>
void finish_one_tile(const Tile& tile) {
  finish_tile<first, adds, second, accuracy_for<accuracy, first, second>()>(tile);
}

template <Fused first, Accuracy accuracy>
void finish_second(const Epilogue& epilogue, const Tile& tile) {
  if (epilogue.residual.space == Space::none) {
    return finish_one_tile<first, false, Fused::none, accuracy>(tile);
  }
#if defined(__wasm_simd128__)
  // A file that is downloaded has no code for each pair of activations.
  finish_one_tile<first, true, Fused::none, accuracy>(tile);
  if (is_applied_later(epilogue.second)) return;
  for (int row = 0; row < tile.rows->count; ++row) {
    activate_all(epilogue.second, tile.rows->outputs[row] + tile.column, tile.columns);
  }
#else
  switch (activating(epilogue.second).fused) {
    case Fused::none:
      return finish_one_tile<first, true, Fused::none, accuracy>(tile);
    case Fused::relu:
      return finish_one_tile<first, true, Fused::relu, accuracy>(tile);
    case Fused::silu:
      return finish_one_tile<first, true, Fused::silu, accuracy>(tile);
    case Fused::gelu:
      return finish_one_tile<first, true, Fused::gelu, accuracy>(tile);
    case Fused::hardswish:
      return finish_one_tile<first, true, Fused::hardswish, accuracy>(tile);
    case Fused::relu6:
      return finish_one_tile<first, true, Fused::relu6, accuracy>(tile);
  }
#endif
}

template <Accuracy accuracy>
void finish_first(const Epilogue& epilogue, const Tile& tile) {
  switch (activating(epilogue.first).fused) {
    case Fused::none:
      return finish_second<Fused::none, accuracy>(epilogue, tile);
    case Fused::relu:
      return finish_second<Fused::relu, accuracy>(epilogue, tile);
    case Fused::silu:
      return finish_second<Fused::silu, accuracy>(epilogue, tile);
    case Fused::gelu:
      return finish_second<Fused::gelu, accuracy>(epilogue, tile);
    case Fused::hardswish:
      return finish_second<Fused::hardswish, accuracy>(epilogue, tile);
    case Fused::relu6:
      return finish_second<Fused::relu6, accuracy>(epilogue, tile);
  }
}

// Writes a tile.
template <Accuracy accuracy>
void finish(const Epilogue& epilogue, const Tile& tile) {
  if (is_applied_later(epilogue.first)) {
    for (int row = 0; row < tile.rows->count; ++row) {
      apply_later(epilogue.first, tile.sums + row * tile.stride, tile.columns);
    }
  }
  finish_first<accuracy>(epilogue, tile);
  if (is_applied_later(epilogue.second)) {
    for (int row = 0; row < tile.rows->count; ++row) {
      apply_later(epilogue.second, tile.rows->outputs[row] + tile.column, tile.columns);
    }
  }
}

}  // namespace
