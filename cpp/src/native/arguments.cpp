#include "arguments.h"

#include <algorithm>

#include "half_copies.h"

namespace hvit_edge::native {
namespace {

bool is_known(DType type) {
  return type == DType::float32 || type == DType::int32 || type == DType::int64 ||
         type == DType::uint8 || type == DType::boolean;
}

template <typename From, typename To>
void copy_as(const Argument& from, To* to) {
  const auto* values = static_cast<const From*>(from.data);
  for (std::int64_t i = 0; i < from.count; ++i)
    to[i] = static_cast<To>(static_cast<float>(values[i]));
}

template <typename To>
void copy_values(const Argument& from, To* to) {
  if (from.type == DType::int32) return copy_as<std::int32_t>(from, to);
  if (from.type == DType::int64) return copy_as<std::int64_t>(from, to);
  if (from.type == DType::uint8 || from.type == DType::boolean) {
    return copy_as<std::uint8_t>(from, to);
  }
  copy_as<float>(from, to);
}

}  // namespace

bool Arguments::in_place() const {
  return inputs.size() == 1 && outputs.size() == 1 && inputs[0].type == DType::float32;
}

bool split_arguments(const std::vector<Argument>& arguments, std::int64_t inputs,
                     std::int64_t outputs, Arguments& result) {
  for (const Argument& argument : arguments) {
    if (argument.data == nullptr) return false;
    if (inputs > 0) {
      if (!is_known(argument.type)) return false;
      inputs -= argument.count;
      result.inputs.push_back(argument);
    } else {
      if (argument.type != DType::float32) return false;
      outputs -= argument.count;
      result.outputs.push_back(argument);
    }
  }
  return inputs == 0 && outputs == 0 && !result.outputs.empty();
}

void gather_inputs(const Arguments& arguments, Number number, void* values) {
  std::int64_t place = 0;
  for (const Argument& from : arguments.inputs) {
    if (number == Number::float32) {
      copy_values(from, static_cast<float*>(values) + place);
    } else if (from.type == DType::float32) {
      copy_as_half(static_cast<const float*>(from.data), static_cast<Half*>(values) + place,
                   from.count);
    } else {
      copy_values(from, static_cast<Half*>(values) + place);
    }
    place += from.count;
  }
}

void scatter_outputs(const Arguments& arguments, Number number, const void* results) {
  std::int64_t place = 0;
  for (const Argument& to : arguments.outputs) {
    auto* values = static_cast<float*>(to.data);
    if (number == Number::float32) {
      std::copy_n(static_cast<const float*>(results) + place, to.count, values);
    } else {
      copy_as_float(static_cast<const Half*>(results) + place, values, to.count);
    }
    place += to.count;
  }
}

}  // namespace hvit_edge::native
