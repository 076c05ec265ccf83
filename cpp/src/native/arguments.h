// The arguments of a call of the backend: the inputs of a plan, then its outputs, each in separate
// memory.
//
// A plan has one stretch of memory for all its inputs, one after another, and one for all its
// outputs. If either side has a single float32 tensor, the plan works in that tensor's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "bases.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge::native {

/// A tensor that the backend is called with.
struct Argument {
  void* data = nullptr;
  std::int64_t count = 0;
  DType type = DType::float32;
};

struct Arguments {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;

  /// Returns true if a plan that computes in float32 can work in the arguments' own memory.
  bool in_place() const;
};

/// Splits the arguments of a plan with so many values. Returns false if they do not add up to it,
/// if one has no data, or if one is not float32; inputs may also be int32, int64, uint8 or bool.
bool split_arguments(const std::vector<Argument>& arguments, std::int64_t inputs,
                     std::int64_t outputs, Arguments& result);

/// Copies the inputs one after another to `values`, as float32 or float16.
void gather_inputs(const Arguments& arguments, Number number, void* values);

/// Copies `results` to the outputs.
void scatter_outputs(const Arguments& arguments, Number number, const void* results);

}  // namespace hvit_edge::native
