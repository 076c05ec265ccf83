// The memory that a run works on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "operations.h"

namespace hvit_edge::native {

/// The first byte of each space, and what kernels of AVX2 ask the processor for.
struct Bases {
  char* of[kSpaces] = {};
  bool avxvnni = false;

  __attribute__((always_inline)) char* at(Space space, std::int64_t offset) const {
    return of[static_cast<int>(space)] + offset;
  }
};

}  // namespace hvit_edge::native
