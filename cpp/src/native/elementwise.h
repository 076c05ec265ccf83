// Functions of one tensor and arithmetic of two, value by value. Included by each translation unit
// of operators.h, and nowhere else.
#pragma once

#include "by_rows.h"
#include "functions.h"

namespace {

using hvit_edge::native::Arithmetic;
using hvit_edge::native::Binary;
using hvit_edge::native::Select;
using hvit_edge::native::Side;
using hvit_edge::native::Unary;

inline void apply_row(const Unary& unary, const Bases& bases, std::int64_t i) {
  apply_function({unary.function, unary.a, unary.b}, row_of(unary.input, bases, i),
                 row_of(unary.output, bases, i), unary.columns);
}

inline void run(const Unary& unary, const Bases& bases) {
  share_rows<Unary, apply_row>(unary, bases, unary.rows, unary.columns);
}

inline Wide power_of_both(Wide base, Wide exponent) {
  for (int i = 0; i < kWideLanes; ++i) base[i] = __builtin_powf(base[i], exponent[i]);
  return base;
}

inline Wide one_where(Integers mask) { return (Wide)(mask & (Integers)all_wide(1.0f)); }

template <Arithmetic kind>
Wide result_of(Wide left, Wide right) {
  switch (kind) {
    case Arithmetic::add:
      return left + right;
    case Arithmetic::subtract:
      return left - right;
    case Arithmetic::multiply:
      return left * right;
    case Arithmetic::divide:
      return left / right;
    case Arithmetic::maximum:
      return larger(left, right);
    case Arithmetic::minimum:
      return smaller(left, right);
    case Arithmetic::power:
      return power_of_both(left, right);
    case Arithmetic::greater:
      return one_where(left > right);
    case Arithmetic::greater_equal:
      return one_where(left >= right);
    case Arithmetic::equal:
      return one_where(left == right);
    case Arithmetic::not_equal:
      return one_where(left != right);
  }
}

/// The values of one row of a side: contiguous, or one value that repeats.
struct Operand {
  const Value* row;
  bool repeats;
  Wide same;

  Operand(const Side& side, const Bases& bases, std::int64_t i)
      : row(row_of(side.rows, bases, i)),
        repeats(side.repeats),
        same(repeats ? all_wide(static_cast<float>(*row)) : Wide{}) {}

  Wide at(std::int64_t column, std::int64_t count) const {
    return repeats ? same : take(row + column, count);
  }
};

template <Arithmetic kind>
void combine_row(const Binary& binary, const Bases& bases, std::int64_t i) {
  const Operand left(binary.left, bases, i), right(binary.right, bases, i);
  Value* output = row_of(binary.output, bases, i);
  for (std::int64_t c = 0; c < binary.columns; c += kWideLanes) {
    const std::int64_t rest = binary.columns - c;
    put(output + c, result_of<kind>(left.at(c, rest), right.at(c, rest)), rest);
  }
  activate_all(binary.activation, output, binary.columns);
}

template <Arithmetic kind>
void combine_rows(const Binary& binary, const Bases& bases) {
  share_rows<Binary, combine_row<kind>>(binary, bases, binary.rows, binary.columns);
}

inline void run(const Binary& binary, const Bases& bases) {
  switch (binary.kind) {
    case Arithmetic::add:
      return combine_rows<Arithmetic::add>(binary, bases);
    case Arithmetic::subtract:
      return combine_rows<Arithmetic::subtract>(binary, bases);
    case Arithmetic::multiply:
      return combine_rows<Arithmetic::multiply>(binary, bases);
    case Arithmetic::divide:
      return combine_rows<Arithmetic::divide>(binary, bases);
    case Arithmetic::maximum:
      return combine_rows<Arithmetic::maximum>(binary, bases);
    case Arithmetic::minimum:
      return combine_rows<Arithmetic::minimum>(binary, bases);
    case Arithmetic::power:
      return combine_rows<Arithmetic::power>(binary, bases);
    case Arithmetic::greater:
      return combine_rows<Arithmetic::greater>(binary, bases);
    case Arithmetic::greater_equal:
      return combine_rows<Arithmetic::greater_equal>(binary, bases);
    case Arithmetic::equal:
      return combine_rows<Arithmetic::equal>(binary, bases);
    case Arithmetic::not_equal:
      return combine_rows<Arithmetic::not_equal>(binary, bases);
  }
}

inline void select_row(const Select& select, const Bases& bases, std::int64_t i) {
  const Operand condition(select.condition, bases, i);
  const Operand left(select.left, bases, i), right(select.right, bases, i);
  Value* output = row_of(select.output, bases, i);
  for (std::int64_t c = 0; c < select.columns; c += kWideLanes) {
    const std::int64_t rest = select.columns - c;
    const Integers holds = condition.at(c, rest) != Wide{};
    put(output + c, chosen(holds, left.at(c, rest), right.at(c, rest)), rest);
  }
}

inline void run(const Select& select, const Bases& bases) {
  share_rows<Select, select_row>(select, bases, select.rows, select.columns);
}

}  // namespace
