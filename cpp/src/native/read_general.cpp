#include "read_general.h"

namespace hvit_edge::native {

Unary read_unary(PlanReader& reader) {
  Unary unary;
  unary.function = static_cast<Function>(reader.choice(kFunctions));
  unary.a = reader.number();
  unary.b = reader.number();
  unary.rows = reader.count();
  unary.columns = reader.count();
  unary.input = reader.rows(unary.rows, unary.columns, Access::read);
  unary.output = reader.rows(unary.rows, unary.columns, Access::write);
  return unary;
}

namespace {

constexpr int kFirstArithmetics = 7;  // of version 2

Side read_side(PlanReader& reader, std::int64_t rows, std::int64_t columns) {
  Side side;
  side.repeats = reader.choice(2) == 1;
  side.rows = reader.rows(rows, side.repeats ? 1 : columns, Access::read);
  return side;
}

}  // namespace

Binary read_binary(PlanReader& reader) {
  Binary binary;
  const int kinds = reader.version() >= kChoiceVersion ? kArithmetics : kFirstArithmetics;
  binary.kind = static_cast<Arithmetic>(reader.choice(kinds));
  binary.rows = reader.count();
  binary.columns = reader.count();
  binary.left = read_side(reader, binary.rows, binary.columns);
  binary.right = read_side(reader, binary.rows, binary.columns);
  binary.activation = reader.activation();
  binary.output = reader.rows(binary.rows, binary.columns, Access::write);
  return binary;
}

Select read_select(PlanReader& reader) {
  Select select;
  select.rows = reader.count();
  select.columns = reader.count();
  for (Side* side : {&select.condition, &select.left, &select.right}) {
    *side = read_side(reader, select.rows, select.columns);
  }
  select.output = reader.rows(select.rows, select.columns, Access::write);
  return select;
}

Reduction read_reduction(PlanReader& reader) {
  Reduction reduction;
  reduction.kind = static_cast<Reduce>(reader.choice(kReduces));
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
  softmax.rows = reader.count();
  softmax.columns = reader.count();
  softmax.input = reader.rows(softmax.rows, softmax.columns, Access::read);
  softmax.output = reader.rows(softmax.rows, softmax.columns, Access::write);
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
  const std::int64_t packed = reader.product(padded_to_panels(matmul.columns), matmul.depth);
  matmul.scratch = reader.scratch(reader.product(matmul.batches, packed));
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
