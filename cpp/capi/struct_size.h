// Reads structs of callers that were compiled against an older or a newer header.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "outcome.h"

namespace hvit_edge::capi {

/// Refuses sizes below `first`, the size of the first version. Also refuses members beyond `known`
/// bytes that are not zero: they would ask for a feature that this library does not know.
Outcome check_struct_size(const char* where, const void* given, std::size_t size, std::size_t first,
                          std::size_t known);

/// Copies the members of T that the caller's struct has; the rest of `result` is not changed.
template <typename T>
Outcome read_struct(const char* where, const T* given, std::size_t first, T& result) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::size_t size = given->struct_size;
  if (Outcome outcome = check_struct_size(where, given, size, first, sizeof(T)); !outcome.ok()) {
    return outcome;
  }
  std::memcpy(&result, given, size < sizeof(T) ? size : sizeof(T));
  return {};
}

}  // namespace hvit_edge::capi
