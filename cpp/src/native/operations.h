// What a program of the native backend consists of. Written by hvit_edge/targets/native, read and
// checked by read_plan.cpp, run by operators.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace hvit_edge::native {

constexpr std::int64_t kPanel = 16;       // outputs that are packed side by side in a weight matrix
constexpr std::int64_t kMostKeys = 4096;  // of attention, whose scores lie on the stack
constexpr std::int64_t kMostWidth = 256;  // of a head of attention
constexpr std::int64_t kMostTaps = 256;   // of a convolution or a pool
constexpr std::int64_t kMostChannels = 8192;  // of a map that a convolution pads

/// Where memory lies; the pointers are known at run time.
enum class Space : std::int32_t { none = -1, arena = 0, constants = 1, input = 2, output = 3 };
constexpr int kSpaces = 4;

/// From `sigmoid` on they are in plans of version 2 alone.
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
constexpr int kActivations = 10;

/// What the numbers of a plan are, in memory and among its constants.
enum class Number : std::int32_t { float32 = 0, float16 = 1 };

inline std::int64_t bytes_of(Number number) { return number == Number::float16 ? 2 : 4; }

/// Constants of the plan's number.
using Numbers = const void*;

/// Rows of numbers: row i begins `stride * i` values after `offset`, or `table[i]` values after it.
struct Rows {
  Space space = Space::none;
  std::int64_t offset = 0;  // bytes
  std::int64_t stride = 0;  // values
  const std::int32_t* table = nullptr;
};

/// What happens to each row of a product: bias (in the weights' order), activation, residual row
/// added, activation.
struct Epilogue {
  Numbers bias = nullptr;
  Activation first = Activation::none;
  Rows residual;
  Activation second = Activation::none;
  Rows output;
};

/// output[m, n] = epilogue(sum over k of input[m, k] * weights[k, n]).
struct Linear {
  std::int64_t rows = 0, depth = 0, columns = 0;
  Rows input;
  const std::int32_t* taps = nullptr;  // where value k of a row lies, where not k values after it
  Numbers weights = nullptr;           // [columns / 16][depth][16]
  Epilogue epilogue;
};

/// A map of channels-last pixels, and the windows that slide over it.
struct Window {
  Space space = Space::none;
  std::int64_t offset = 0;  // bytes
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t row_stride = 0, pixel_stride = 0;  // values
  std::int64_t out_height = 0, out_width = 0;
  std::int64_t kernel_height = 0, kernel_width = 0;
  std::int64_t stride_height = 0, stride_width = 0;
  std::int64_t pad_height = 0, pad_width = 0;
  std::int64_t ring = 0;  // row y of the map lies at y % ring, where that is not zero
};

/// A convolution over all channels; weights are [columns / 16][taps * channels][16].
struct Convolution {
  Window window;
  std::int64_t columns = 0;
  Numbers weights = nullptr;
  Epilogue epilogue;
};

/// A convolution of each channel by itself; weights are [taps][channels].
struct Depthwise {
  Window window;
  Numbers weights = nullptr;
  Epilogue epilogue;
};

enum class Pool : std::int32_t { maximum = 0, average = 1 };

/// The largest value, or the mean, of each window and channel; the mean counts no padding.
struct Pooling {
  Window window;
  Pool kind = Pool::maximum;
  Rows output;
};

/// (row - mean) / sqrt(variance + eps) * gamma + beta, then the activation.
struct LayerNorm {
  std::int64_t rows = 0, columns = 0;
  Rows input;
  Numbers gamma = nullptr;
  Numbers beta = nullptr;
  float eps = 0;
  Activation activation = Activation::none;
  Rows output;
};

/// Heads of a batch, each with a matrix [tokens, width] somewhere in `space`.
struct Heads {
  Space space = Space::none;
  std::int64_t offset = 0;              // bytes
  std::int64_t stride = 0;              // values from token to token
  const std::int32_t* table = nullptr;  // where each head begins, in values after `offset`
};

/// softmax(q k^T * scale + bias) v, for each head.
struct Attention {
  std::int64_t heads = 0, queries = 0, keys = 0, width = 0, value_width = 0;
  Heads query, key, value, output;
  Numbers bias = nullptr;                    // matrices [queries, keys rounded up to 16]
  const std::int32_t* bias_table = nullptr;  // where the matrix of each head begins, in values
  float scale = 0;
  std::int64_t scratch = 0;  // bytes into the arena: packed keys and values
};

/// activation(alpha * left + beta * right); without `right` the first term alone.
struct Add {
  std::int64_t rows = 0, columns = 0;
  Rows left, right;
  float alpha = 1, beta = 1;
  Activation activation = Activation::none;
  Rows output;
};

/// output[g] = mean of the rows g * count to (g + 1) * count of the input.
struct Mean {
  std::int64_t groups = 0, count = 0, columns = 0;
  Rows input, output;
};

/// Planes [channels, height, width] with zeros around each.
struct Pad {
  Space space = Space::none;
  std::int64_t offset = 0;
  std::int64_t channels = 0, height = 0, width = 0, pad_height = 0, pad_width = 0;
  std::int64_t output = 0;  // bytes into the arena
};

/// output[i] = input[table[i]].
struct Gather {
  std::int64_t count = 0;
  Space space = Space::none;
  std::int64_t offset = 0;
  const std::int32_t* table = nullptr;
  std::int64_t output = 0;  // bytes into the arena
};

/// Rows as int8: value = scale * (code - zero), scale and zero the same for `together` rows. The
/// range of the values, with zero in it, is taken as it comes.
struct Quantise {
  std::int64_t rows = 0, columns = 0, together = 1;
  Rows input;
  std::int64_t codes = 0;   // bytes into the arena: [rows][columns rounded up to 4]
  std::int64_t ranges = 0;  // bytes into the arena: float32 [rows / together][scale, zero]
  std::int64_t zeros = 0;   // bytes into the arena: a pixel of zeros, where `pads`
  bool pads = false;
};

/// What int8 products come with: output = scales[n] * row scale * (sum - row zero * totals[n]).
struct Int8Weights {
  const std::int8_t* codes = nullptr;  // [columns / 16][depth / 4][16][4]
  const float* scales = nullptr;       // [columns rounded up to 16]
  const float* totals = nullptr;       // the same: of all codes of a column
};

/// A linear layer of rows that `Quantise` wrote.
struct LinearInt8 {
  std::int64_t rows = 0, depth = 0, columns = 0, together = 1;
  std::int64_t codes = 0, ranges = 0;  // as `Quantise`
  Int8Weights weights;
  Epilogue epilogue;
};

/// A convolution of a map whose pixels `Quantise` wrote as rows with one range.
struct ConvolutionInt8 {
  Window window;  // in bytes where `Window` says values
  std::int64_t columns = 0;
  std::int64_t ranges = 0, zeros = 0;
  Int8Weights weights;
  Epilogue epilogue;
};

/// A linear layer of rows of numbers or of int8 codes.
struct AnyLinear {
  bool is_int8 = false;
  Linear in_float;
  LinearInt8 in_int8;

  std::int64_t depth() const { return is_int8 ? in_int8.depth : in_float.depth; }
  std::int64_t columns() const { return is_int8 ? in_int8.columns : in_float.columns; }
  Epilogue& epilogue() { return is_int8 ? in_int8.epilogue : in_float.epilogue; }
};

/// A linear layer of a map's pixels, a depthwise convolution and a second linear layer, row by row
/// of the map, so that what lies between them stays in the cache.
struct InvertedResidual {
  AnyLinear expand;          // its output is a ring of rows
  Depthwise depthwise;       // reads that ring; its output is one row
  bool adds_input = false;   // of the depthwise convolution to its output
  AnyLinear project;         // reads that row, whose codes are made on the way
  std::int64_t scratch = 0;  // bytes into the arena: memory of so many jobs
  std::int64_t jobs = 0;
};

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
  softplus = 15,  // log(1 + exp(a * x)) / a, or x where a * x is above b
  mish = 16,
  sin = 17,
  cos = 18,
  erf = 19,
  floor = 20,
  ceil = 21,
  round = 22,  // halves to even
  sign = 23,
};
constexpr int kFunctions = 24;

/// output = function(input), value by value.
struct Unary {
  Function function = Function::sigmoid;
  float a = 0, b = 0;
  std::int64_t rows = 0, columns = 0;
  Rows input, output;
};

/// From `greater` on, which give 1 if it holds and 0 if not, in plans of version 3 alone.
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
constexpr int kArithmetics = 11;

/// One side of an arithmetic operation: rows of values, or of one value each that is repeated.
struct Side {
  Rows rows;
  bool repeats = false;
};

/// activation(left op right), value by value.
struct Binary {
  Arithmetic kind = Arithmetic::add;
  std::int64_t rows = 0, columns = 0;
  Side left, right;
  Activation activation = Activation::none;
  Rows output;
};

/// left where the condition is not zero, else right, value by value.
struct Select {
  std::int64_t rows = 0, columns = 0;
  Side condition, left, right;
  Rows output;
};

/// What a reduction makes of its values x.
enum class Reduce : std::int32_t {
  sum = 0,  // scale * sum of x
  maximum = 1,
  minimum = 2,
  squares = 3,       // scale * sum of x^2 + eps
  root = 4,          // the square root of that
  inverse_root = 5,  // 1 over that root
};
constexpr int kReduces = 6;

/// output[g] = reduction of the rows g * count to (g + 1) * count of the input: column by column,
/// or, `across`, of all their values to one.
struct Reduction {
  Reduce kind = Reduce::sum;
  bool across = false;
  float scale = 1, eps = 0;
  std::int64_t groups = 0, count = 0, columns = 0;
  Rows input, output;
};

/// softmax of each row, or its logarithm.
struct Softmax {
  bool log = false;
  std::int64_t rows = 0, columns = 0;
  Rows input, output;
};

/// output = scale * left right, for each matrix of a batch.
struct Matmul {
  std::int64_t batches = 0, rows = 0, depth = 0, columns = 0;
  Heads left;             // [rows, depth], whose rows are values side by side
  Heads right;            // [depth, columns]
  std::int64_t step = 1;  // values from column to column of `right`
  float scale = 1;
  Heads output;              // [rows, columns], the same as `left`
  std::int64_t scratch = 0;  // bytes into the arena: `right` in panels
};

/// output[b, r, c] = input[table[b] + r * stride + c * step], side by side.
struct Transpose {
  std::int64_t batches = 0, rows = 0, columns = 0;
  Heads input;
  std::int64_t step = 0;    // values from column to column
  std::int64_t output = 0;  // bytes into the arena
};

/// In the order of their numbers; from `Unary` on they are in plans of version 2 alone, from
/// `Select` on in those of version 3.
using Operation =
    std::variant<Linear, Convolution, Depthwise, Pooling, LayerNorm, Attention, Add, Mean, Pad,
                 Gather, Quantise, LinearInt8, ConvolutionInt8, InvertedResidual, Unary, Binary,
                 Reduction, Softmax, Matmul, Select, Transpose>;

struct Plan {
  Number number = Number::float32;
  std::size_t arena_bytes = 0;
  std::size_t input_bytes = 0;
  std::size_t output_bytes = 0;
  const char* constants = nullptr;
  std::vector<Operation> operations;
  std::vector<std::string> names;  // of the operations: kind and module, for profiles
};

}  // namespace hvit_edge::native
