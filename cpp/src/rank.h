// Ranks classes by score.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace hvit_edge {

/// Makes `order` the indices of `scores`, of which the first `count` are sorted by score, the
/// largest first, and then by index.
template <typename Score>
void rank(const std::vector<Score>& scores, std::size_t count, std::vector<int>& order) {
  order.resize(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](int a, int b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
}

}  // namespace hvit_edge
