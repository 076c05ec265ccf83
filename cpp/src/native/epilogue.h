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

// Computes the outputs of full vectors of sums: an activation of them, or of what they are added
// to. It is a function of its own, so that layers of each accuracy share one.
template <bool adds, Fused activation, Accuracy accuracy>
__attribute__((noinline)) void finish_tile(const Tile& tile) {
  const auto finished = [](Vector sum, const Value* residual, std::int64_t count) {
    return activate<activation, accuracy>(adds ? sum + load_some(residual, count) : sum);
  };
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
        store(output + v, finished(load(sums + v), residual + v, kLanes));
      }
    }
    for (; i < columns; i += kLanes) {
      store_some(output + i, finished(load(sums + i), residual + i, columns - i), columns - i);
    }
  }
}

template <bool adds, Accuracy accuracy>
void finish_with(Fused activation, const Tile& tile) {
  with_constant(activation, [&](auto fused) {
    finish_tile<adds, fused, accuracy_for<accuracy, fused>()>(tile);
  });
}

template <Fused activation, Accuracy accuracy>
__attribute__((noinline)) void activate_sums(const Tile& tile) {
  for (int row = 0; row < tile.rows->count; ++row) {
    Lane* sums = tile.sums + row * tile.stride;
    for (std::int64_t i = 0; i < tile.columns; i += kLanes) {
      store(sums + i, activate<activation, accuracy>(load(sums + i)));
    }
  }
}

// Writes a tile. Few layers have an activation before an addition: it is a pass of its own, so that
// no code is compiled for each pair of activations.
template <Accuracy accuracy>
void finish(const Epilogue& epilogue, const Tile& tile) {
  const Fused first = activating(epilogue.first).fused;
  if (is_applied_later(epilogue.first)) {
    for (int row = 0; row < tile.rows->count; ++row) {
      apply_later(epilogue.first, tile.sums + row * tile.stride, tile.columns);
    }
  }
  if (epilogue.residual.space == Space::none) {
    finish_with<false, accuracy>(first, tile);
  } else {
    with_constant(first, [&](auto fused) {
      if constexpr (fused != Fused::none) {
        activate_sums<fused, accuracy_for<accuracy, fused>()>(tile);
      }
    });
    finish_with<true, accuracy>(activating(epilogue.second).fused, tile);
  }
  if (is_applied_later(epilogue.second)) {
    for (int row = 0; row < tile.rows->count; ++row) {
      apply_later(epilogue.second, tile.rows->outputs[row] + tile.column, tile.columns);
    }
  }
}

}  // namespace
