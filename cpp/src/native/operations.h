// The operations of a plan of the native backend. Plans are written by hvit_edge/targets/native,
// read and checked by read_plan.cpp, run by operators.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kinds.h"
#include "plan_limits.h"

namespace hvit_edge::native {

/// The memories of a plan, whose addresses are known at run time.
enum class Space : std::int32_t { none = -1, arena = 0, constants = 1, input = 2, output = 3 };
constexpr int kSpaces = 4;

/// The number type of a plan, in memory and in its constants.
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

/// The steps after each row of a product: add the bias (in the weights' order), activate, add the
/// residual row, activate.
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
  const std::int32_t* taps = nullptr;  // the place of value k of a row, if not k values after it
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
  std::int64_t ring = 0;  // if not zero, row y of the map is stored at y % ring

  std::int64_t outputs() const { return out_height * out_width; }
  std::int64_t taps() const { return kernel_height * kernel_width; }
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

/// Heads of a batch, each with a matrix [tokens, width] in `space`.
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

/// Rows as int8: value = scale * (code - zero), with one scale and zero for `together` rows. Their
/// range is that of the values at run time, extended to include zero.
struct Quantise {
  std::int64_t rows = 0, columns = 0, together = 1;
  Rows input;
  std::int64_t codes = 0;   // bytes into the arena: [rows][columns rounded up to 4]
  std::int64_t ranges = 0;  // bytes into the arena: float32 [rows / together][scale, zero]
  std::int64_t zeros = 0;   // bytes into the arena: a pixel of zeros, if `pads`
  bool pads = false;
};

/// The weights of an int8 product: output = scales[n] * row scale * (sum - row zero * totals[n]).
struct Int8Weights {
  const std::int8_t* codes = nullptr;  // [columns / 16][depth / 4][16][4]
  const float* scales = nullptr;       // [columns rounded up to 16]
  const float* totals = nullptr;       // [the same], sums of the codes of each column
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
  Window window;  // in bytes instead of values
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
/// of the map, so that the rows between them stay in the cache.
struct InvertedResidual {
  AnyLinear expand;          // its output is a ring of rows
  Depthwise depthwise;       // reads that ring; its output is one row
  bool adds_input = false;   // of the depthwise convolution to its output
  AnyLinear project;         // reads that row, which is quantized first if the layer is int8
  std::int64_t scratch = 0;  // bytes into the arena: memory for all jobs
  std::int64_t jobs = 0;
};

/// output = function(input), value by value.
struct Unary {
  Function function = Function::sigmoid;
  float a = 0, b = 0;
  std::int64_t rows = 0, columns = 0;
  Rows input, output;
};

/// One side of an arithmetic operation: rows of values, or rows in which one value is repeated.
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

/// left if the condition is not zero, otherwise right, value by value.
struct Select {
  std::int64_t rows = 0, columns = 0;
  Side condition, left, right;
  Rows output;
};

/// output[g] = reduction of the rows g * count to (g + 1) * count of the input: column by column,
/// or of all their values to one if `across` is set.
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
  Heads left;             // [rows, depth]; each row is contiguous
  Heads right;            // [depth, columns]
  std::int64_t step = 1;  // values from column to column of `right`
  float scale = 1;
  Heads output;              // [rows, columns], the same as `left`
  std::int64_t scratch = 0;  // bytes into the arena: `right` in panels
};

/// output[b, r, c] = input[table[b] + r * stride + c * step], stored contiguously.
struct Transpose {
  std::int64_t batches = 0, rows = 0, columns = 0;
  Heads input;
  std::int64_t step = 0;    // values from column to column
  std::int64_t output = 0;  // bytes into the arena
};

/// In the order of `Kind`.
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
