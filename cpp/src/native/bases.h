// The memory that a run works on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "operations.h"

namespace hvit_edge::native {

/// The first byte of each space.
struct Bases {
  char* of[kSpaces] = {};

  __attribute__((always_inline)) float* at(Space space, std::int64_t offset) const {
    return reinterpret_cast<float*>(of[static_cast<int>(space)] + offset);
  }
};

/// Row `i` of `rows`.
__attribute__((always_inline)) inline float* row_of(const Rows& rows, const Bases& bases,
                                                    std::int64_t i) {
  return bases.at(rows.space, rows.offset) +
         (rows.table != nullptr ? rows.table[i] : rows.stride * i);
}

}  // namespace hvit_edge::native
