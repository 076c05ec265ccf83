// The numbers by which a plan names operations, activations and functions, and the version of plans
// in which each appeared. hvit_edge/targets/native/kinds.py has the same ones;
// tests/targets/native/test_kinds.py compares the two files in both directions.
#pragma once

#include <array>
#include <cstdint>

namespace hvit_edge::native {

/// Versions of plans that are read. The version rises by one when a release gives plans a kind or a
/// number that older runtimes would refuse, or gives a field another meaning. Numbers are never
/// reused or reordered: new ones are appended. See docs/native.md, "Versions of a plan".
constexpr std::int64_t kOldestVersion = 1;
constexpr std::int64_t kVersion = 3;

/// How many numbers of an enumeration, from zero on, plans of version 1, 2 and so on may hold.
using CountByVersion = std::array<int, kVersion>;

enum class Kind : std::int32_t {
  linear = 0,
  convolution = 1,
  depthwise = 2,
  pooling = 3,
  layer_norm = 4,
  attention = 5,
  add = 6,
  mean = 7,
  pad = 8,
  gather = 9,
  quantise = 10,
  linear_int8 = 11,
  convolution_int8 = 12,
  inverted_residual = 13,
  unary = 14,
  binary = 15,
  reduction = 16,
  softmax = 17,
  matmul = 18,
  select = 19,
  transpose = 20,
};
constexpr CountByVersion kKindCounts = {14, 19, 21};

enum class Activation : std::int32_t {
  none = 0,
  relu = 1,
  silu = 2,
  gelu = 3,
  sigmoid = 4,
  hardsigmoid = 5,
  hardswish = 6,
  relu6 = 7,
  tanh = 8,
  gelu_tanh = 9,
};
constexpr CountByVersion kActivationCounts = {4, 10, 10};
constexpr int kActivations = kActivationCounts.back();

enum class Pool : std::int32_t { maximum = 0, average = 1 };
constexpr CountByVersion kPoolCounts = {2, 2, 2};

/// A function of one number, with up to two parameters a and b.
enum class Function : std::int32_t {
  sigmoid = 0,
  hardsigmoid = 1,
  hardswish = 2,
  clamp = 3,  // between a and b
  tanh = 4,
  gelu_tanh = 5,
  leaky_relu = 6,  // of slope a below zero
  elu = 7,         // b * (x above zero, a * (exp(x) - 1) below it)
  exp = 8,
  log = 9,
  sqrt = 10,
  rsqrt = 11,
  power = 12,  // to the exponent a
  abs = 13,
  reciprocal = 14,
  softplus = 15,  // log(1 + exp(a * x)) / a, or x if a * x is above b
  mish = 16,
  sin = 17,
  cos = 18,
  erf = 19,
  floor = 20,
  ceil = 21,
  round = 22,  // halves to even
  sign = 23,
};
constexpr CountByVersion kFunctionCounts = {0, 24, 24};
constexpr int kFunctions = kFunctionCounts.back();

/// From `greater` on the result is 1 if the comparison holds and 0 if not.
enum class Arithmetic : std::int32_t {
  add = 0,
  subtract = 1,
  multiply = 2,
  divide = 3,
  maximum = 4,
  minimum = 5,
  power = 6,
  greater = 7,
  greater_equal = 8,
  equal = 9,
  not_equal = 10,
};
constexpr CountByVersion kArithmeticCounts = {0, 7, 11};
constexpr int kArithmetics = kArithmeticCounts.back();

/// The result that a reduction computes of its values x.
enum class Reduce : std::int32_t {
  sum = 0,  // scale * sum of x
  maximum = 1,
  minimum = 2,
  squares = 3,       // scale * sum of x^2 + eps
  root = 4,          // the square root of that
  inverse_root = 5,  // 1 over that root
};
constexpr CountByVersion kReduceCounts = {0, 6, 6};
constexpr int kReduces = kReduceCounts.back();

/// The activations that kernels are compiled for and apply to sums while they are in registers.
enum class Fused : std::int32_t { none, relu, silu, gelu, hardswish, relu6 };

/// Says how an activation is computed: in the kernels, or by a function that runs after them.
struct Activating {
  Fused fused = Fused::none;
  bool later = false;
  Function function = Function::sigmoid;  // if `later`
};

// Internal linkage: the kernels of each instruction set compile their own copy.
namespace {

constexpr Activating inside(Fused fused) { return {fused, false, Function::sigmoid}; }
constexpr Activating after(Function function) { return {Fused::none, true, function}; }

constexpr Activating activating(Activation activation) {
  switch (activation) {
    case Activation::none:
      return inside(Fused::none);
    case Activation::relu:
      return inside(Fused::relu);
    case Activation::silu:
      return inside(Fused::silu);
    case Activation::gelu:
      return inside(Fused::gelu);
    case Activation::sigmoid:
      return after(Function::sigmoid);
    case Activation::hardsigmoid:
      return after(Function::hardsigmoid);
    case Activation::hardswish:
      return inside(Fused::hardswish);
    case Activation::relu6:
      return inside(Fused::relu6);
    case Activation::tanh:
      return after(Function::tanh);
    case Activation::gelu_tanh:
      return after(Function::gelu_tanh);
  }
  return inside(Fused::none);  // the reader refuses this number
}

}  // namespace

}  // namespace hvit_edge::native
