// The size and the values of a tensor in a program file.
#pragma once

#include <cstdint>

#include "small/container.h"

namespace hvit_edge::small {

/// The most bytes of a tensor that is used. Sums and products of such sizes fit in 64 bits.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 31;

/// Returns the bytes of a tensor, or more than kMostBytes if its sizes are impossible.
std::uint64_t bytes_of(const StoredTensor& tensor);

/// Returns the values of a constant, at least bytes_of() it, or no data if it has none. Refuses a
/// constant that is not plain or has too few.
Result<Bytes> constant_of(const Container& container, const StoredTensor& tensor);

}  // namespace hvit_edge::small
