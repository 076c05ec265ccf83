// What happens to the products of a tile on their way out. Included by each translation unit of
// operators.h alone.
#pragma once

#include "activations.h"
#include "operations.h"
#include "values.h"

namespace {

using hvit_edge::native::Epilogue;

/// Rows `first` to `first + rows` of the output, columns `column` to `column + columns` of each.
struct Tile {
  std::int64_t first, column, columns;
  int rows;
};

inline void copy_row(Value* to, const Value* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(to + i, load_some(from + i, count - i), count - i);
  }
}

/// Sums of a tile as lanes, `stride` a row: one way to give `finish` its values.
template <Accuracy accuracy = Accuracy::float32>
struct LaneSums {
  static constexpr Accuracy kAccuracy = accuracy;

  const Lane* sums;
  std::int64_t stride;

  struct Column {
    const Lane* sums;
    std::int64_t stride;
    Vector at(int row) const { return load(sums + row * stride); }
  };
  Column column(std::int64_t i) const { return {sums + i, stride}; }
};

constexpr int kMostTileRows = 8;

// Column by column, so that what belongs to a column is loaded once.
template <Activation first, bool adds, Activation second, class Sums>
void finish_tile(const Epilogue& epilogue, const Bases& bases, const Tile& tile, const Sums& sums) {
  const int rows = tile.rows;
  const std::int64_t columns = tile.columns;
  Value* outputs[kMostTileRows];
  const Value* residuals[kMostTileRows];
  for (int row = 0; row < rows; ++row) {
    outputs[row] = row_of(epilogue.output, bases, tile.first + row) + tile.column;
    if (adds) residuals[row] = row_of(epilogue.residual, bases, tile.first + row) + tile.column;
  }
  for (std::int64_t i = 0; i < columns; i += kLanes) {
    const auto column = sums.column(i);
    for (int row = 0; row < rows; ++row) {
      Vector value = activate<first, Sums::kAccuracy>(column.at(row));
      if (adds) {
        value += load_some(residuals[row] + i, columns - i);
        value = activate<second, Sums::kAccuracy>(value);
      }
      store_some(outputs[row] + i, value, columns - i);
    }
  }
}

template <Activation first, class Sums>
void finish_second(const Epilogue& epilogue, const Bases& bases, const Tile& tile,
                   const Sums& sums) {
  if (epilogue.residual.space == Space::none) {
    return finish_tile<first, false, Activation::none>(epilogue, bases, tile, sums);
  }
  switch (epilogue.second) {
    case Activation::relu:
      return finish_tile<first, true, Activation::relu>(epilogue, bases, tile, sums);
    case Activation::silu:
      return finish_tile<first, true, Activation::silu>(epilogue, bases, tile, sums);
    case Activation::gelu:
      return finish_tile<first, true, Activation::gelu>(epilogue, bases, tile, sums);
    default:
      return finish_tile<first, true, Activation::none>(epilogue, bases, tile, sums);
  }
}

// Writes a tile. `sums` has whole vectors, also where the tile's columns end in the middle of one.
template <class Sums>
void finish(const Epilogue& epilogue, const Bases& bases, const Tile& tile, const Sums& sums) {
  switch (epilogue.first) {
    case Activation::relu:
      return finish_second<Activation::relu>(epilogue, bases, tile, sums);
    case Activation::silu:
      return finish_second<Activation::silu>(epilogue, bases, tile, sums);
    case Activation::gelu:
      return finish_second<Activation::gelu>(epilogue, bases, tile, sums);
    default:
      return finish_second<Activation::none>(epilogue, bases, tile, sums);
  }
}

}  // namespace
