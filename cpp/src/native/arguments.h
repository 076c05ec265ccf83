// What the backend is called with: the inputs of a plan, then its outputs, each in memory of its
// own.
//
// A plan has one stretch of memory for all its inputs, one after the other, and one for all its
// outputs. With a single float32 tensor on either side a plan works in that tensor's memory.
#pragma once

#include <executorch/runtime/core/evalue.h>
#include <executorch/runtime/core/span.h>

#include <cstdint>
#include <vector>

#include "bases.h"

namespace hvit_edge::native {

/// A tensor that the backend is called with.
struct Argument {
  void* data = nullptr;
  std::int64_t count = 0;
  executorch::aten::ScalarType type = executorch::aten::ScalarType::Float;
};

struct Arguments {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;

  /// Whether a plan that computes in float32 can work in the arguments' own memory.
  bool in_place() const;
};

/// Reads the arguments of a plan of so many values; false if they do not add up to it, or one is
/// of another type than float32, or as an input also int32, int64, uint8 or bool.
bool split_arguments(executorch::runtime::Span<executorch::runtime::EValue*> arguments,
                     std::int64_t inputs, std::int64_t outputs, Arguments& result);

/// Copies the inputs behind one another to `values`, as float32 or float16.
void gather_inputs(const Arguments& arguments, Number number, void* values);

/// Copies `results` to the outputs.
void scatter_outputs(const Arguments& arguments, Number number, const void* results);

}  // namespace hvit_edge::native
