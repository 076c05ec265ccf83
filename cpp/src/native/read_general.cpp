#include "read_general.h"

#include "scratch.h"

namespace hvit_edge::native {
namespace {

Side read_side(PlanReader& reader, std::int64_t rows, std::int64_t columns) {
  Side side;
  side.repeats = reader.choice(2) == 1;
  side.rows = reader.rows(rows, side.repeats ? 1 : columns, Access::read);
  return side;
}

// Reads the rows and columns of an operation, as most operations begin.
template <class Operation>
void read_size(PlanReader& reader, Operation& operation) {
  operation.rows = reader.count();
  operation.columns = reader.count();
}

// Reads rows of the operation's size.
template <class Operation>
Rows read_rows(PlanReader& reader, const Operation& operation, Access access) {
  return reader.rows(operation.rows, operation.columns, access);
}

}  // namespace

Pooling read_pooling(PlanReader& reader) {
  Pooling pool;
  pool.window = reader.window();
  pool.kind = reader.number_of<Pool>(kPoolCounts);
  const Window& window = pool.window;
  pool.output = reader.rows(window.outputs(), window.channels, Access::write);
  reader.require(
      window.pad_height < window.kernel_height && window.pad_width < window.kernel_width &&
          (window.out_height - 1) * window.stride_height < window.height + window.pad_height &&
          (window.out_width - 1) * window.stride_width < window.width + window.pad_width,
      "a pool of no pixels");
  return pool;
}

LayerNorm read_layer_norm(PlanReader& reader) {
  LayerNorm norm;
  read_size(reader, norm);
  norm.input = read_rows(reader, norm, Access::read);
  norm.gamma = reader.numbers(norm.columns, false);
  norm.beta = reader.numbers(norm.columns, false);
  norm.eps = reader.number();
  norm.activation = reader.activation();
  norm.output = read_rows(reader, norm, Access::write);
  return norm;
}

Attention read_attention(PlanReader& reader) {
  Attention layer;
  layer.heads = reader.count();
  layer.queries = reader.count();
  layer.keys = reader.count();
  layer.width = reader.count();
  layer.value_width = reader.count();
  reader.require(
      layer.keys <= kMostKeys && layer.width <= kMostWidth && layer.value_width <= kMostWidth,
      "attention over too many keys or values");
  if (!reader.ok()) return layer;
  layer.query = reader.heads(layer.heads, layer.queries, layer.width, Access::read);
  layer.key = reader.heads(layer.heads, layer.keys, layer.width, Access::read);
  layer.value = reader.heads(layer.heads, layer.keys, layer.value_width, Access::read);
  layer.output = reader.heads(layer.heads, layer.queries, layer.value_width, Access::write);
  const std::int64_t padded = padded_to_panels(layer.keys);
  const std::int64_t matrices = reader.amount();
  if (matrices > 0) {
    const std::int64_t matrix = reader.product(layer.queries, padded);
    const std::int64_t all = reader.product(matrices, matrix);
    layer.bias = reader.numbers(all, true);
    layer.bias_table = reader.table(layer.heads, true);
    reader.require(reader.largest(layer.bias_table, layer.heads) + matrix <= all,
                   "a bias beyond its matrices");
  }
  layer.scale = reader.number();
  layer.scratch = reader.scratch(reader.product(layer.heads, packed_head_of(layer)));
  return layer;
}

Add read_add(PlanReader& reader) {
  Add add;
  read_size(reader, add);
  add.left = read_rows(reader, add, Access::read);
  add.right = read_rows(reader, add, Access::read_if_any);
  add.alpha = reader.number();
  add.beta = reader.number();
  add.activation = reader.activation();
  add.output = read_rows(reader, add, Access::write);
  return add;
}

Mean read_mean(PlanReader& reader) {
  Mean mean;
  mean.groups = reader.count();
  mean.count = reader.count();
  mean.columns = reader.count();
  mean.input = reader.rows(mean.groups * mean.count, mean.columns, Access::read);
  mean.output = reader.rows(mean.groups, mean.columns, Access::write);
  return mean;
}

Pad read_pad(PlanReader& reader) {
  Pad pad;
  pad.channels = reader.count();
  pad.height = reader.count();
  pad.width = reader.count();
  pad.pad_height = reader.amount();
  pad.pad_width = reader.amount();
  const std::int64_t plane = reader.product(pad.height, pad.width);
  const Rows input = reader.rows(1, reader.product(pad.channels, plane), Access::read);
  pad.space = input.space;
  pad.offset = input.offset;
  const std::int64_t padded =
      reader.product(pad.height + 2 * pad.pad_height, pad.width + 2 * pad.pad_width);
  pad.output = reader.scratch(reader.product(pad.channels, padded));
  return pad;
}

Gather read_gather(PlanReader& reader) {
  Gather gather;
  gather.count = reader.count();
  gather.table = reader.table(gather.count, true);
  const Rows input = reader.rows(1, reader.largest(gather.table, gather.count) + 1, Access::read);
  gather.space = input.space;
  gather.offset = input.offset;
  gather.output = reader.scratch(gather.count);
  return gather;
}

Quantise read_quantise(PlanReader& reader) {
  Quantise quantise;
  read_size(reader, quantise);
  quantise.together = reader.count();
  reader.require(quantise.together > 0 && quantise.rows % quantise.together == 0,
                 "ranges of rows that are left over");
  quantise.input = read_rows(reader, quantise, Access::read);
  quantise.codes = reader.codes(quantise.rows, quantise.columns);
  quantise.ranges = reader.ranges(quantise.rows, quantise.together);
  quantise.pads = reader.choice(2) == 1;
  if (quantise.pads) {
    quantise.zeros = reader.codes(1, quantise.columns);
    reader.require(quantise.together == quantise.rows, "padding of more than one range");
  }
  return quantise;
}

Unary read_unary(PlanReader& reader) {
  Unary unary;
  unary.function = reader.number_of<Function>(kFunctionCounts);
  unary.a = reader.number();
  unary.b = reader.number();
  read_size(reader, unary);
  unary.input = read_rows(reader, unary, Access::read);
  unary.output = read_rows(reader, unary, Access::write);
  return unary;
}

Binary read_binary(PlanReader& reader) {
  Binary binary;
  binary.kind = reader.number_of<Arithmetic>(kArithmeticCounts);
  read_size(reader, binary);
  binary.left = read_side(reader, binary.rows, binary.columns);
  binary.right = read_side(reader, binary.rows, binary.columns);
  binary.activation = reader.activation();
  binary.output = read_rows(reader, binary, Access::write);
  return binary;
}

Select read_select(PlanReader& reader) {
  Select select;
  read_size(reader, select);
  for (Side* side : {&select.condition, &select.left, &select.right}) {
    *side = read_side(reader, select.rows, select.columns);
  }
  select.output = read_rows(reader, select, Access::write);
  return select;
}

Reduction read_reduction(PlanReader& reader) {
  Reduction reduction;
  reduction.kind = reader.number_of<Reduce>(kReduceCounts);
  reduction.across = reader.choice(2) == 1;
  reduction.scale = reader.number();
  reduction.eps = reader.number();
  reduction.groups = reader.count();
  reduction.count = reader.count();
  reduction.columns = reader.count();
  const std::int64_t rows = reader.product(reduction.groups, reduction.count);
  reader.product(reduction.count, reduction.columns);
  reduction.input = reader.rows(rows, reduction.columns, Access::read);
  reduction.output =
      reader.rows(reduction.groups, reduction.across ? 1 : reduction.columns, Access::write);
  return reduction;
}

Softmax read_softmax(PlanReader& reader) {
  Softmax softmax;
  softmax.log = reader.choice(2) == 1;
  read_size(reader, softmax);
  softmax.input = read_rows(reader, softmax, Access::read);
  softmax.output = read_rows(reader, softmax, Access::write);
  return softmax;
}

Matmul read_matmul(PlanReader& reader) {
  Matmul matmul;
  matmul.batches = reader.count();
  matmul.rows = reader.count();
  matmul.depth = reader.count();
  matmul.columns = reader.count();
  matmul.left = reader.heads(matmul.batches, matmul.rows, matmul.depth, Access::read);
  matmul.right = reader.spread_heads(matmul.batches, matmul.depth, matmul.columns, matmul.step);
  matmul.scale = reader.number();
  matmul.output = reader.heads(matmul.batches, matmul.rows, matmul.columns, Access::write);
  matmul.scratch = reader.scratch(reader.product(matmul.batches, packed_matrix_of(matmul)));
  return matmul;
}

Transpose read_transpose(PlanReader& reader) {
  Transpose transpose;
  transpose.batches = reader.count();
  transpose.rows = reader.count();
  transpose.columns = reader.count();
  transpose.input =
      reader.spread_heads(transpose.batches, transpose.rows, transpose.columns, transpose.step);
  const std::int64_t matrix = reader.product(transpose.rows, transpose.columns);
  transpose.output = reader.scratch(reader.product(transpose.batches, matrix));
  return transpose;
}

}  // namespace hvit_edge::native
