// A method of a program file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hvit_edge/tensor.h"
#include "small/flat_buffer.h"

namespace hvit_edge::small {

/// A tensor among the values of a method.
struct StoredTensor {
  TensorSpec spec;             ///< its sizes may be impossible
  bool is_plain = true;        ///< contiguous, of one shape, and with no more than is said here
  std::uint32_t constant = 0;  ///< the index of its data; 0: none
  bool is_planned = false;     ///< it is in planned memory
  std::uint32_t memory = 0;    ///< the number of its buffer, counted from 1
  std::uint64_t offset = 0;    ///< bytes, in that buffer
};

/// std::monostate stands for the other kinds of values, which no program of ours uses.
using StoredValue =
    std::variant<std::monostate, std::int64_t, double, std::string_view, StoredTensor>;

enum class Callee { kernel, delegate, other };

struct Instruction {
  Callee callee = Callee::other;
  std::int32_t index = -1;  ///< of the operator or delegate, not checked
  std::vector<std::int32_t> arguments;
};

struct Delegate {
  std::string backend;
  Bytes data;
};

struct Method {
  std::string name;
  std::vector<StoredValue> values;
  std::vector<std::int32_t> inputs, outputs;  ///< indices of values, not checked
  std::vector<Instruction> instructions;
  std::vector<std::string> operators;  ///< names such as "aten::topk.default"
  std::vector<Delegate> delegates;
  std::vector<std::int64_t> planned;  ///< bytes of each buffer of planned memory

  /// Returns the value of an index, or null if there is none.
  const StoredValue* value(std::int32_t index) const {
    const auto place = static_cast<std::size_t>(index);
    return index >= 0 && place < values.size() ? &values[place] : nullptr;
  }
  /// Returns the tensor of an index, or null if there is none.
  const StoredTensor* tensor(std::int32_t index) const {
    const StoredValue* found = value(index);
    return found != nullptr ? std::get_if<StoredTensor>(found) : nullptr;
  }
};

}  // namespace hvit_edge::small
