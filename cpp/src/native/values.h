// Addresses of the numbers of a plan. Included by each translation unit of operators.h alone.
#pragma once

#include "bases.h"
#include "vector.h"

namespace {

constexpr std::int64_t kValueBytes = sizeof(Value);

using hvit_edge::native::Bases;
using hvit_edge::native::Numbers;
using hvit_edge::native::Rows;
using hvit_edge::native::Space;

__attribute__((always_inline)) inline Value* values_at(const Bases& bases, Space space,
                                                       std::int64_t offset) {
  return reinterpret_cast<Value*>(bases.at(space, offset));
}

inline const Value* values_of(Numbers constants) { return static_cast<const Value*>(constants); }

/// Returns row `i` of `rows`.
__attribute__((always_inline)) inline Value* row_of(const Rows& rows, const Bases& bases,
                                                    std::int64_t i) {
  return values_at(bases, rows.space, rows.offset) +
         (rows.table != nullptr ? rows.table[i] : rows.stride * i);
}

}  // namespace
