// What a program says about one of its methods.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// An input or output of a method.
struct SlotFacts {
  bool exists = false;  ///< its index is that of a value of the method
  bool is_tensor = false;
  TensorSpec spec;  ///< of a tensor; its sizes may be impossible
  std::size_t bytes = 0;
};

struct MethodFacts {
  std::vector<SlotFacts> inputs;
  std::vector<SlotFacts> outputs;
  std::size_t instructions = 0;
  std::vector<std::string> backends;
  /// The bytes of each buffer of planned memory; nothing for a size that cannot be read.
  std::vector<std::optional<std::int64_t>> planned;
};

}  // namespace hvit_edge
