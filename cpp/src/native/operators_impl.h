// All operations. Each translation unit that includes this is compiled for one instruction set.
#pragma once

#include "attention.h"
#include "by_rows.h"
#include "depthwise.h"
#include "elementwise.h"
#include "int8.h"
#include "inverted_residual.h"
#include "linear.h"
#include "matmul.h"
#include "operators.h"
#include "reduction.h"
#include "softmax_rows.h"
#include "transpose.h"

namespace {

inline void run_operation(const hvit_edge::native::Operation& operation, const Bases& bases) {
  std::visit([&bases](const auto& one) { run(one, bases); }, operation);
}

}  // namespace
