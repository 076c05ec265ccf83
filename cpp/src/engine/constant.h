// A value that a program stores: part of an artifact's metadata.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// A number, a text or a tensor; std::monostate stands for every other kind, which no metadata has.
/// Texts and tensors belong to the program.
using Constant = std::variant<std::monostate, std::int64_t, double, std::string_view, TensorView>;

}  // namespace hvit_edge
