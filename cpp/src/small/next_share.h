// How much of the work of an operation a thread takes at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hvit_edge::small {

/// Returns how many of the `left` indices a thread takes next, at least one: half of its equal
/// share of them. A thread comes back for more when it is done, so that a fast core takes more. The
/// last shares are single indices, for which fast cores wait shortly if a slow core has one.
inline std::int64_t next_share(std::int64_t left, std::int64_t threads) {
  return std::max<std::int64_t>(left / (2 * threads), 1);
}

}  // namespace hvit_edge::small
