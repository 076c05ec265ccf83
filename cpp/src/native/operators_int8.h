// Operations that read packed int8 weights. Another instruction set runs the others, so that no
// kernel is compiled twice without being faster.
#pragma once

#include <type_traits>

#include "int8.h"
#include "inverted_residual.h"
#include "operators.h"

namespace {

template <class One>
constexpr bool kReadsInt8 =
    std::is_same_v<One, LinearInt8> || std::is_same_v<One, ConvolutionInt8> ||
    std::is_same_v<One, InvertedResidual>;

inline void run_int8_operation(const hvit_edge::native::Operation& operation, const Bases& bases,
                               hvit_edge::native::RunOperation run_other) {
  std::visit(
      [&](const auto& one) {
        if constexpr (kReadsInt8<std::decay_t<decltype(one)>>) {
          run(one, bases);
        } else {
          run_other(operation, bases);
        }
      },
      operation);
}

}  // namespace
