// What happens to the products of a tile on their way out. Included by each translation unit of
// operators.h alone.
#pragma once

#include "activations.h"
#include "bases.h"
#include "operations.h"
#include "vector.h"

namespace {

using hvit_edge::native::Bases;
using hvit_edge::native::Epilogue;
using hvit_edge::native::row_of;
using hvit_edge::native::Space;

/// Rows `first` to `first + rows` of the output, columns `column` to `column + columns` of each.
struct Tile {
  std::int64_t first, column, columns;
  int rows;
};

inline void add_row(float* sums, const float* addend, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(sums + i, load_some(sums + i, count - i) + load_some(addend + i, count - i),
               count - i);
  }
}

inline void copy_row(float* to, const float* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(to + i, load_some(from + i, count - i), count - i);
  }
}

template <Activation first, Activation second>
void finish_row(float* output, const float* sums, const float* residual, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    Vector value = activate<first>(load_some(sums + i, count - i));
    if (residual != nullptr) value = activate<second>(value + load_some(residual + i, count - i));
    store_some(output + i, value, count - i);
  }
}

using FinishRow = void (*)(float*, const float*, const float*, std::int64_t);

template <Activation first>
FinishRow finish_row_of(Activation second) {
  switch (second) {
    case Activation::relu:
      return finish_row<first, Activation::relu>;
    case Activation::silu:
      return finish_row<first, Activation::silu>;
    case Activation::gelu:
      return finish_row<first, Activation::gelu>;
    default:
      return finish_row<first, Activation::none>;
  }
}

inline FinishRow finish_row_of(Activation first, Activation second) {
  switch (first) {
    case Activation::relu:
      return finish_row_of<Activation::relu>(second);
    case Activation::silu:
      return finish_row_of<Activation::silu>(second);
    case Activation::gelu:
      return finish_row_of<Activation::gelu>(second);
    default:
      return finish_row_of<Activation::none>(second);
  }
}

// Writes a tile of sums, `stride` values a row.
inline void finish(const Epilogue& epilogue, const Bases& bases, const Tile& tile,
                   const float* sums, std::int64_t stride) {
  const bool adds = epilogue.residual.space != Space::none;
  const FinishRow one = finish_row_of(epilogue.first, epilogue.second);
  for (int i = 0; i < tile.rows; ++i) {
    const float* residual =
        adds ? row_of(epilogue.residual, bases, tile.first + i) + tile.column : nullptr;
    one(row_of(epilogue.output, bases, tile.first + i) + tile.column, sums + i * stride, residual,
        tile.columns);
  }
}

}  // namespace
