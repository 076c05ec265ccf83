// Functions, arithmetic and choices of tensors, against plain loops in double precision.
#include "native_functions.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

TEST(NativeUnary, AppliesEveryFunction) {
  Random random(11);
  ASSERT_EQ(std::size(kKnown), std::size_t{kFunctions});
  for (const Known& known : kKnown) {
    for (const std::int64_t columns : {1, 7, 16, 33}) {
      const std::int64_t rows = random(1, 5);
      Memory memory;
      const Placed input = place(random, Space::input, rows, columns);
      const Placed output = place(random, Space::output, rows, columns);
      memory.input = random.values(reach(input, rows, columns), 9);
      for (float& value : memory.input) {
        if (!takes_negatives(known.function)) value = std::abs(value) + 0.1F;
      }
      Unary unary;
      unary.function = known.function;
      unary.a = 0.75F;
      unary.b = 2.5F;
      unary.rows = rows;
      unary.columns = columns;
      unary.input = input.rows;
      unary.output = output.rows;
      auto expected = nothing(output, rows, columns);
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t c = 0; c < columns; ++c) {
          expected[output.row(i) + c] = known.value(memory.input[input.row(i) + c], 0.75, 2.5);
        }
      }
      SCOPED_TRACE(::testing::Message() << "function " << static_cast<int>(known.function));
      expect_written(unary, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

double combined(Arithmetic kind, double left, double right) {
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
      return std::max(left, right);
    case Arithmetic::minimum:
      return std::min(left, right);
    case Arithmetic::greater:
      return left > right;
    case Arithmetic::greater_equal:
      return left >= right;
    case Arithmetic::equal:
      return left == right;
    case Arithmetic::not_equal:
      return left != right;
    case Arithmetic::power:
      break;
  }
  return std::pow(left, right);
}

TEST(NativeBinary, CombinesRowsAndRepeatedValues) {
  Random random(12);
  for (int kind = 0; kind < kArithmetics; ++kind) {
    for (int repeats = 0; repeats < 4; ++repeats) {
      for (const std::int64_t columns : {1, 16, 35}) {
        const std::int64_t rows = random(1, 6);
        Binary binary;
        binary.kind = static_cast<Arithmetic>(kind);
        binary.rows = rows;
        binary.columns = columns;
        binary.left.repeats = (repeats & 1) != 0;
        binary.right.repeats = (repeats & 2) != 0;
        const std::int64_t left_columns = binary.left.repeats ? 1 : columns;
        const std::int64_t right_columns = binary.right.repeats ? 1 : columns;
        const Placed left = place(random, Space::input, rows, left_columns);
        const Placed right = place(random, Space::arena, rows, right_columns);
        const Placed output = place(random, Space::output, rows, columns);
        Memory memory;
        memory.input = random.values(reach(left, rows, left_columns), 2);
        memory.arena = random.values(reach(right, rows, right_columns), 2);
        for (float& value : memory.input) value = std::abs(value) + 0.1F;
        for (float& value : memory.arena) value = std::abs(value) + 0.1F;
        binary.left.rows = left.rows;
        binary.right.rows = right.rows;
        binary.activation = static_cast<Activation>(random(0, kActivations - 1));
        binary.output = output.rows;
        auto expected = nothing(output, rows, columns);
        for (std::int64_t i = 0; i < rows; ++i) {
          for (std::int64_t c = 0; c < columns; ++c) {
            const double a = memory.input[left.row(i) + (binary.left.repeats ? 0 : c)];
            const double b = memory.arena[right.row(i) + (binary.right.repeats ? 0 : c)];
            expected[output.row(i) + c] = activated(binary.activation, combined(binary.kind, a, b));
          }
        }
        SCOPED_TRACE(::testing::Message() << "kind " << kind << ", repeats " << repeats);
        expect_written(binary, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Ties, signed zeros and infinities, in whole vectors and what is left of one.
TEST(NativeBinary, ComparesTies) {
  const std::vector<float> values = {0.0F, -0.0F, 1.5F, -1.5F, INFINITY, -INFINITY, 1.25F};
  for (int kind = static_cast<int>(Arithmetic::greater); kind < kArithmetics; ++kind) {
    Memory memory;
    for (std::size_t i = 0; i < 37; ++i) memory.input.push_back(values[i % values.size()]);
    for (std::size_t i = 0; i < 37; ++i) memory.arena.push_back(values[i % 3 * 2]);
    Binary binary;
    binary.kind = static_cast<Arithmetic>(kind);
    binary.rows = 1;
    binary.columns = 37;
    binary.left.rows = Rows{Space::input, 0, 37, nullptr};
    binary.right.rows = Rows{Space::arena, 0, 37, nullptr};
    binary.output = Rows{Space::output, 0, 37, nullptr};
    std::vector<double> expected;
    for (std::size_t i = 0; i < 37; ++i) {
      expected.push_back(combined(binary.kind, memory.input[i], memory.arena[i]));
    }
    SCOPED_TRACE(::testing::Message() << "kind " << kind);
    expect_written(binary, memory, expected);
  }
}

TEST(NativeSelect, TakesOneOfTwo) {
  Random random(18);
  for (int repeats = 0; repeats < 8; ++repeats) {
    for (const std::int64_t columns : {1, 16, 35}) {
      const std::int64_t rows = random(1, 6);
      Select select;
      select.rows = rows;
      select.columns = columns;
      select.condition.repeats = (repeats & 1) != 0;
      select.left.repeats = (repeats & 2) != 0;
      select.right.repeats = (repeats & 4) != 0;
      const auto width = [&](const Side& side) { return side.repeats ? 1 : columns; };
      const Placed condition = place(random, Space::input, rows, width(select.condition));
      const Placed left = place(random, Space::arena, rows, width(select.left));
      const Placed right = place(random, Space::arena, rows, width(select.right));
      const Placed output = place(random, Space::output, rows, columns);
      Memory memory;
      memory.input = random.values(reach(condition, rows, width(select.condition)), 2);
      for (std::size_t i = 0; i < memory.input.size(); i += 2) memory.input[i] = 0.0F;
      memory.arena = random.values(
          std::max(reach(left, rows, width(select.left)), reach(right, rows, width(select.right))));
      memory.arena[0] = 1e30F;  // which arithmetic of both sides would not leave alone
      select.condition.rows = condition.rows;
      select.left.rows = left.rows;
      select.right.rows = right.rows;
      select.output = output.rows;
      auto expected = nothing(output, rows, columns);
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t c = 0; c < columns; ++c) {
          const auto of = [&](const Side& side, const Placed& placed, const auto& values) {
            return values[placed.row(i) + (side.repeats ? 0 : c)];
          };
          const bool holds = of(select.condition, condition, memory.input) != 0.0F;
          expected[output.row(i) + c] =
              holds ? of(select.left, left, memory.arena) : of(select.right, right, memory.arena);
        }
      }
      expect_written(select, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
