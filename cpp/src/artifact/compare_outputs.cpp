#include "artifact/compare_outputs.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace hvit_edge {
namespace {

// Returns true if the largest value is at the same place in every row.
bool same_top1(const float* golden, const float* actual, std::size_t rows, std::size_t columns) {
  for (std::size_t row = 0; row < rows; ++row, golden += columns, actual += columns) {
    if (std::max_element(golden, golden + columns) - golden !=
        std::max_element(actual, actual + columns) - actual) {
      return false;
    }
  }
  return true;
}

SelfTest compare_floats(const float* golden, const float* actual, std::size_t rows,
                        std::size_t columns, double tolerance) {
  const std::size_t count = rows * columns;
  SelfTest result;
  double largest = 0;
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(actual[i]);
    largest = std::max(largest, std::fabs(static_cast<double>(golden[i])));
    result.max_abs =
        std::max(result.max_abs, std::fabs(static_cast<double>(golden[i]) - actual[i]));
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!finite) result.max_abs = infinity;
  if (result.max_abs > 0) result.max_rel = largest > 0 ? result.max_abs / largest : infinity;
  result.top1_agree = finite && same_top1(golden, actual, rows, columns);
  result.passed = finite && result.max_abs <= tolerance * largest;
  return result;
}

template <typename Integer>
SelfTest compare_integers(const TensorView& golden, const TensorView& actual, double tolerance) {
  const auto* wanted = static_cast<const Integer*>(golden.data);
  const auto* found = static_cast<const Integer*>(actual.data);
  const auto count = static_cast<std::size_t>(golden.numel());
  SelfTest result;
  std::size_t different = 0;
  for (std::size_t i = 0; i < count; ++i) {
    different += wanted[i] == found[i] ? 0 : 1;
    const double distance =
        std::fabs(static_cast<double>(wanted[i]) - static_cast<double>(found[i]));
    result.max_abs = std::max(result.max_abs, distance);
  }
  result.max_rel = count == 0 ? 0.0 : static_cast<double>(different) / static_cast<double>(count);
  result.top1_agree = true;
  result.passed = result.max_rel <= tolerance;
  return result;
}

}  // namespace

SelfTest compare_outputs(const TensorView& golden, const TensorView& actual, double tolerance) {
  switch (golden.dtype) {
    case DType::float32: {
      const auto count = static_cast<std::size_t>(golden.numel());
      const bool table = golden.shape.size() == 2 && count > 0;
      const std::size_t rows = table ? static_cast<std::size_t>(golden.shape[0]) : 1;
      return compare_floats(static_cast<const float*>(golden.data),
                            static_cast<const float*>(actual.data), rows, count / rows, tolerance);
    }
    case DType::int64:
      return compare_integers<std::int64_t>(golden, actual, tolerance);
    case DType::int32:
      return compare_integers<std::int32_t>(golden, actual, tolerance);
    case DType::uint8:
    case DType::boolean:
      return compare_integers<std::uint8_t>(golden, actual, tolerance);
    case DType::int8:
    case DType::int16:
    case DType::float16:
    case DType::float64:
    case DType::other:
      break;
  }
  return {};
}

}  // namespace hvit_edge
