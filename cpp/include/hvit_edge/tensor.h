// Tensors of the API: a specification, and a view of memory that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hvit_edge {

enum class DType { uint8, int8, int16, int32, int64, float16, float32, float64, boolean, other };

/// Returns the name of a dtype, such as "float32".
const char* to_string(DType dtype);
/// Returns the bytes per element; 0 for DType::other.
std::size_t element_size(DType dtype);
/// Returns a shape as text, such as "[1, 3, 256, 256]".
std::string to_string(const std::vector<std::int64_t>& shape);

/// The form of a program's input or output.
struct TensorSpec {
  std::vector<std::int64_t> shape;
  DType dtype = DType::float32;
  std::string name{};  ///< empty in artifacts of the task "classify", and for inputs of photos

  /// Returns the number of elements.
  std::int64_t numel() const;
};

/// Contiguous memory with a shape. It owns nothing: the creator of the view keeps `data` alive.
struct TensorView {
  const void* data = nullptr;
  std::vector<std::int64_t> shape;
  DType dtype = DType::float32;

  /// Returns the number of elements.
  std::int64_t numel() const;
};

/// An input of a model that names its inputs.
using NamedTensor = std::pair<std::string, TensorView>;

}  // namespace hvit_edge
