// Keeps the last few rows, so that each is computed once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hvit_edge {

/// Has room for `rows` neighboring rows. Allocates only when it grows.
class RowWindow {
 public:
  /// Forgets all rows.
  void prepare(std::size_t row_bytes, int rows) {
    row_bytes_ = row_bytes;
    held_.assign(rows, -1);
    bytes_.resize(row_bytes * rows);
  }

  /// Row `y`; make(memory) writes it if it is not held.
  template <typename Make>
  const std::uint8_t* row(int y, const Make& make) {
    const std::size_t slot = static_cast<std::size_t>(y) % held_.size();
    std::uint8_t* memory = bytes_.data() + slot * row_bytes_;
    if (held_[slot] != y) {
      held_[slot] = y;
      make(memory);
    }
    return memory;
  }

 private:
  std::size_t row_bytes_ = 0;
  std::vector<int> held_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace hvit_edge
