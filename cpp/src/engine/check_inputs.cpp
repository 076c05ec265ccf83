#include "engine/check_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "text.h"

namespace hvit_edge {
namespace {

std::string describe(DType dtype, const std::vector<std::int64_t>& shape) {
  return concat(to_string(dtype), " ", to_string(shape));
}

// Returns how to fix an input. A photo has preprocessing; an input with a name does not.
const char* remedy(const TensorSpec& expected) {
  if (!expected.name.empty()) {
    return "; convert the array, or compile the model with inputs of this shape and dtype";
  }
  return "; preprocess the photo with the artifact's own preprocessing, or compile the model for "
         "this input";
}

std::string label_of(std::size_t index, const TensorSpec& expected) {
  return expected.name.empty() ? concat("input ", index)
                               : concat("input ", index, " (", expected.name, ")");
}

std::string fault_of(const TensorSpec& expected, const TensorView& got) {
  if (expected.dtype != got.dtype || expected.shape != got.shape) {
    return concat("expected ", describe(expected.dtype, expected.shape), ", got ",
                  describe(got.dtype, got.shape), remedy(expected));
  }
  if (got.data == nullptr) return "expected data, got a null pointer; set TensorView::data";
  if (got.dtype != DType::float32) return "";
  const auto* values = static_cast<const float*>(got.data);
  const auto count = static_cast<std::size_t>(got.numel());
  const std::size_t bad = first_not_finite(values, count);
  if (bad == count) return "";
  return concat("expected finite numbers, got ", values[bad], " at element ", bad,
                expected.name.empty() ? "; check the preprocessing" : "; check the array");
}

}  // namespace

std::size_t first_not_finite(const float* values, std::size_t count) {
  constexpr std::size_t block = 4096;
  for (std::size_t start = 0; start < count; start += block) {
    const std::size_t end = std::min(start + block, count);
    // If all exponent bits are ones, the value is NaN or infinity. Integers let the compiler
    // vectorize.
    std::uint32_t found = 0;
    for (std::size_t i = start; i < end; ++i) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, values + i, sizeof(bits));
      found |= static_cast<std::uint32_t>((bits & 0x7F800000U) == 0x7F800000U);
    }
    if (found == 0) continue;
    for (std::size_t i = start; i < end; ++i) {
      if (!std::isfinite(values[i])) return i;
    }
  }
  return count;
}

Result<std::vector<TensorView>> order_inputs(const std::vector<TensorSpec>& expected,
                                             const std::vector<NamedTensor>& given) {
  std::vector<TensorView> ordered;
  std::vector<std::string> known, faults;
  for (const TensorSpec& spec : expected) {
    known.push_back(spec.name.empty() ? "input without a name" : spec.name);
    const auto is_it = [&](const NamedTensor& one) { return one.first == spec.name; };
    const auto found = std::find_if(given.begin(), given.end(), is_it);
    if (found == given.end() || spec.name.empty()) {
      faults.push_back("no " + known.back());
    } else {
      ordered.push_back(found->second);
      const bool twice = std::count_if(given.begin(), given.end(), is_it) > 1;
      if (twice) faults.push_back(spec.name + " twice");
    }
  }
  for (const NamedTensor& one : given) {
    if (std::find(known.begin(), known.end(), one.first) == known.end()) {
      faults.push_back(concat("an unknown ", one.first));
    }
  }
  if (faults.empty()) return ordered;
  return Status(StatusCode::invalid_argument,
                concat("[Session.run] expected the inputs ", join(known, ", "), ", got ",
                       join(faults, ", "), "; Session.inputs lists them"));
}

Status check_inputs(const std::vector<TensorSpec>& expected, const std::vector<TensorView>& got) {
  if (expected.size() != got.size()) {
    return Status(StatusCode::invalid_argument,
                  concat("[Session.run] expected ", expected.size(), " input",
                         expected.size() == 1 ? "" : "s", ", got ", got.size(),
                         "; pass one array for each of Session.inputs"));
  }
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::string fault = fault_of(expected[i], got[i]);
    if (!fault.empty()) faults.push_back(concat(label_of(i, expected[i]), ": ", fault));
  }
  if (faults.empty()) return Status();
  return Status(StatusCode::invalid_argument, "[Session.run] " + join(faults, "; "));
}

}  // namespace hvit_edge
