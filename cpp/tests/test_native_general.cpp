// Functions, arithmetic, reductions, softmax and products of tensors, against plain loops in double
// precision.
#include "native/half.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

std::vector<double> nothing(const Placed& output, std::int64_t rows, std::int64_t columns) {
  return std::vector<double>(static_cast<std::size_t>(reach(output, rows, columns)), kNothing);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double clamped(double x, double low, double high) { return std::min(std::max(x, low), high); }

struct Known {
  Function function;
  double (*value)(double x, double a, double b);
};

const Known kKnown[] = {
    {Function::sigmoid, [](double x, double, double) { return sigmoid(x); }},
    {Function::hardsigmoid, [](double x, double, double) { return clamped(x + 3, 0, 6) / 6; }},
    {Function::hardswish, [](double x, double, double) { return x * clamped(x + 3, 0, 6) / 6; }},
    {Function::clamp, [](double x, double a, double b) { return clamped(x, a, b); }},
    {Function::tanh, [](double x, double, double) { return std::tanh(x); }},
    {Function::gelu_tanh,
     [](double x, double, double) {
       return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
     }},
    {Function::leaky_relu, [](double x, double a, double) { return x < 0 ? a * x : x; }},
    {Function::elu,
     [](double x, double a, double b) { return b * (x < 0 ? a * std::expm1(x) : x); }},
    {Function::exp, [](double x, double, double) { return std::exp(x); }},
    {Function::log, [](double x, double, double) { return std::log(x); }},
    {Function::sqrt, [](double x, double, double) { return std::sqrt(x); }},
    {Function::rsqrt, [](double x, double, double) { return 1 / std::sqrt(x); }},
    {Function::power, [](double x, double a, double) { return std::pow(x, a); }},
    {Function::abs, [](double x, double, double) { return std::abs(x); }},
    {Function::reciprocal, [](double x, double, double) { return 1 / x; }},
    {Function::softplus,
     [](double x, double a, double b) { return a * x > b ? x : std::log1p(std::exp(a * x)) / a; }},
    {Function::mish,
     [](double x, double, double) { return x * std::tanh(std::log1p(std::exp(x))); }},
    {Function::sin, [](double x, double, double) { return std::sin(x); }},
    {Function::cos, [](double x, double, double) { return std::cos(x); }},
    {Function::erf, [](double x, double, double) { return std::erf(x); }},
    {Function::floor, [](double x, double, double) { return std::floor(x); }},
    {Function::ceil, [](double x, double, double) { return std::ceil(x); }},
    {Function::round, [](double x, double, double) { return std::nearbyint(x); }},
    {Function::sign, [](double x, double, double) { return double((x > 0) - (x < 0)); }},
};

bool takes_negatives(Function function) {
  return function != Function::log && function != Function::sqrt && function != Function::rsqrt &&
         function != Function::power && function != Function::reciprocal;
}

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

// Ties, signed zeros and infinities, in full vectors and in the rest of one.
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
      memory.arena[0] = 1e30F;  // arithmetic on both sides would not leave this alone
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

TEST(NativeTranspose, BringsColumnsSideBySide) {
  Random random(19);
  for (const auto& [rows, columns] : std::initializer_list<std::pair<int, int>>{
           {1, 1}, {1, 40}, {40, 1}, {16, 16}, {37, 19}, {3, 100}}) {
    for (const bool turned : {true, false}) {
      const std::vector<std::int32_t> begins = {5, 0};
      Transpose transpose;
      transpose.batches = 2;
      transpose.rows = rows;
      transpose.columns = columns;
      transpose.input = {Space::input, 0, turned ? 1 : columns * 3, begins.data()};
      transpose.step = turned ? rows + 2 : 3;
      Memory memory;
      memory.input = random.values(static_cast<std::size_t>(3 * (rows + 2) * (columns + 2) + 5));
      std::vector<double> expected;
      for (const std::int32_t begin : begins) {
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < columns; ++c) {
            const std::int64_t from = begin + r * transpose.input.stride + c * transpose.step;
            expected.push_back(memory.input[static_cast<std::size_t>(from)]);
          }
        }
      }
      expect_written(transpose, memory, expected, Space::arena);
      if (HasFatalFailure()) return;
    }
  }
}

double start_of(Reduce kind) {
  const double far = std::numeric_limits<double>::infinity();
  return kind == Reduce::maximum ? -far : (kind == Reduce::minimum ? far : 0);
}

double with_next(Reduce kind, double so_far, double x) {
  if (kind == Reduce::maximum) return std::max(so_far, x);
  if (kind == Reduce::minimum) return std::min(so_far, x);
  return so_far + (kind == Reduce::sum ? x : x * x);
}

double finished(const Reduction& reduction, double x) {
  if (reduction.kind == Reduce::maximum || reduction.kind == Reduce::minimum) return x;
  if (reduction.kind == Reduce::sum) return x * double(reduction.scale);
  x = x * double(reduction.scale) + double(reduction.eps);
  if (reduction.kind == Reduce::squares) return x;
  return reduction.kind == Reduce::root ? std::sqrt(x) : 1 / std::sqrt(x);
}

TEST(NativeReduction, ReducesColumnsAndRows) {
  Random random(13);
  for (int kind = 0; kind < kReduces; ++kind) {
    for (const bool across : {false, true}) {
      for (const std::int64_t columns : {1, 15, 16, 37}) {
        Reduction reduction;
        reduction.kind = static_cast<Reduce>(kind);
        reduction.across = across;
        reduction.scale = 0.25F;
        reduction.eps = 0.125F;
        reduction.groups = random(1, 4);
        reduction.count = random(1, 5);
        reduction.columns = columns;
        const std::int64_t rows = reduction.groups * reduction.count;
        const std::int64_t width = across ? 1 : columns;
        const Placed input = place(random, Space::input, rows, columns);
        const Placed output = place(random, Space::output, reduction.groups, width);
        Memory memory;
        memory.input = random.values(reach(input, rows, columns), 3);
        reduction.input = input.rows;
        reduction.output = output.rows;
        auto expected = nothing(output, reduction.groups, width);
        for (std::int64_t g = 0; g < reduction.groups; ++g) {
          std::vector<double> found(static_cast<std::size_t>(width), start_of(reduction.kind));
          for (std::int64_t i = g * reduction.count; i < (g + 1) * reduction.count; ++i) {
            for (std::int64_t c = 0; c < columns; ++c) {
              double& value = found[across ? 0 : c];
              value = with_next(reduction.kind, value, memory.input[input.row(i) + c]);
            }
          }
          for (std::int64_t c = 0; c < width; ++c) {
            expected[output.row(g) + c] = finished(reduction, found[c]);
          }
        }
        SCOPED_TRACE(::testing::Message() << "kind " << kind << ", across " << across);
        expect_written(reduction, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NativeSoftmax, SoftensRows) {
  Random random(14);
  for (const bool log : {false, true}) {
    for (const std::int64_t columns : {1, 15, 16, 17, 100}) {
      for (const float most : {1.0F, 300.0F}) {
        const std::int64_t rows = random(1, 7);
        const Placed input = place(random, Space::input, rows, columns);
        const Placed output = place(random, Space::output, rows, columns);
        Memory memory;
        memory.input = random.values(reach(input, rows, columns), most);
        if (columns > 1) memory.input[0] = -std::numeric_limits<float>::infinity();
        const Softmax softmax{log, rows, columns, input.rows, output.rows};
        auto expected = nothing(output, rows, columns);
        for (std::int64_t i = 0; i < rows; ++i) {
          const float* row = memory.input.data() + input.row(i);
          const double largest = *std::max_element(row, row + columns);
          double sum = 0;
          for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(row[c] - largest);
          for (std::int64_t c = 0; c < columns; ++c) {
            const double value = row[c] - largest - std::log(sum);
            expected[output.row(i) + c] = log ? value : std::exp(value);
          }
        }
        if (log && columns > 1) continue;  // of minus infinity, whose difference means nothing
        SCOPED_TRACE(::testing::Message() << columns << " columns");
        expect_written(softmax, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NativeMatmul, MultipliesMatricesOfAnyStride) {
  Random random(15);
  for (const std::int64_t columns : {1, 15, 16, 17, 50, 300}) {
    for (const bool turned : {false, true}) {
      Matmul matmul;
      matmul.batches = random(1, 3);
      matmul.rows = random(1, 70);
      matmul.depth = random(1, 40);
      matmul.columns = columns;
      matmul.scale = 0.5F;
      const std::int64_t left_stride = matmul.depth + random(0, 2);
      const std::int64_t right_stride = (turned ? matmul.depth : columns) + random(0, 2);
      const std::int64_t right_rows = turned ? columns : matmul.depth;
      const std::int64_t stride = columns + random(0, 2);
      const auto left = random.places(matmul.batches, matmul.rows * left_stride);
      const auto right = random.places(matmul.batches, right_rows * right_stride);
      const auto output = random.places(matmul.batches, matmul.rows * stride);
      matmul.left = {Space::input, 0, left_stride, left.data()};
      const std::int64_t lefts = matmul.batches * matmul.rows * left_stride;
      matmul.right = {Space::input, 4 * lefts, turned ? 1 : right_stride, right.data()};
      matmul.step = turned ? right_stride : 1;
      matmul.output = {Space::output, 0, stride, output.data()};
      Memory memory;
      memory.input = random.values(lefts + matmul.batches * right_rows * right_stride);
      const std::int64_t panels = (columns + kPanel - 1) / kPanel * kPanel;
      memory.arena.resize(static_cast<std::size_t>(matmul.batches * panels * matmul.depth));
      const std::int64_t last = (matmul.batches * matmul.rows - 1) * stride + columns;
      std::vector<double> expected(static_cast<std::size_t>(last), kNothing);
      for (std::int64_t b = 0; b < matmul.batches; ++b) {
        for (std::int64_t m = 0; m < matmul.rows; ++m) {
          for (std::int64_t n = 0; n < columns; ++n) {
            double sum = 0;
            for (std::int64_t k = 0; k < matmul.depth; ++k) {
              const std::int64_t place = lefts + right[b] + k * matmul.right.stride;
              sum += double(memory.input[left[b] + m * left_stride + k]) *
                     double(memory.input[place + n * matmul.step]);
            }
            expected[output[b] + m * stride + n] = 0.5 * sum;
          }
        }
      }
      SCOPED_TRACE(::testing::Message() << columns << " columns, turned " << turned);
      expect_written(matmul, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

// Returns the output of an operation on `inputs`, in float16 if the values are Half.
template <class Value>
std::vector<float> outputs_of(RunOperation run, const Operation& operation,
                              const std::vector<float>& inputs, std::size_t count) {
  std::vector<Value> input(inputs.begin(), inputs.end());
  std::vector<Value> arena(4096), output(count, Value(kUntouched));
  Bases bases;
  bases.of[static_cast<int>(Space::input)] = reinterpret_cast<char*>(input.data());
  bases.of[static_cast<int>(Space::arena)] = reinterpret_cast<char*>(arena.data());
  bases.of[static_cast<int>(Space::output)] = reinterpret_cast<char*>(output.data());
  run(operation, bases);
  return {output.begin(), output.end()};
}

// Checks that every kernel of float16 gives what that of float32 gives, except for rounding.
void expect_the_same_in_half(const Operation& operation, std::vector<float> inputs,
                             std::size_t count) {
  for (float& value : inputs) value = static_cast<float>(Half(value));
  const auto expected = outputs_of<float>(run_portable, operation, inputs, count);
  for (const RunOperation run : {run_half_portable, fastest_operators(Number::float16)}) {
    const auto actual = outputs_of<Half>(run, operation, inputs, count);
    for (std::size_t i = 0; i < count; ++i) {
      // also for sums of a dozen
      const double tolerance = 4e-3 * std::max(1.0F, std::abs(expected[i]));
      ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
    }
  }
}

Rows rows_in(Space space, std::int64_t stride) { return {space, 0, stride, nullptr}; }

TEST(NativeGeneralHalf, FunctionsAndActivations) {
  Random random(16);
  std::vector<float> inputs = random.values(3 * 37, 9);
  for (const Known& known : kKnown) {
    if (!takes_negatives(known.function)) {
      for (float& value : inputs) value = std::abs(value) + 0.125F;
    }
    Unary unary{
        known.function, 0.75F, 2.5F, 3, 37, rows_in(Space::input, 37), rows_in(Space::output, 37)};
    SCOPED_TRACE(::testing::Message() << "function " << static_cast<int>(known.function));
    if (known.function != Function::exp) expect_the_same_in_half(unary, inputs, 3 * 37);
  }
  for (int kind = 0; kind < kActivations; ++kind) {
    Binary binary;
    binary.kind = Arithmetic::subtract;
    binary.rows = 3;
    binary.columns = 37;
    binary.left.rows = rows_in(Space::input, 37);
    binary.right = {rows_in(Space::input, 1), true};
    binary.activation = static_cast<Activation>(kind);
    binary.output = rows_in(Space::output, 37);
    SCOPED_TRACE(::testing::Message() << "activation " << kind);
    expect_the_same_in_half(binary, random.values(3 * 37, 3), 3 * 37);
  }
}

TEST(NativeGeneralHalf, ReductionsSoftmaxAndProducts) {
  Random random(17);
  for (int kind = 0; kind < kReduces; ++kind) {
    Reduction reduction;
    reduction.kind = static_cast<Reduce>(kind);
    reduction.scale = 0.125F;
    reduction.eps = 0.25F;
    reduction.groups = 2;
    reduction.count = 3;
    reduction.columns = 37;
    reduction.input = rows_in(Space::input, 37);
    reduction.output = rows_in(Space::output, 37);
    SCOPED_TRACE(::testing::Message() << "kind " << kind);
    expect_the_same_in_half(reduction, random.values(6 * 37), 2 * 37);
    reduction.across = true;
    reduction.output = rows_in(Space::output, 1);
    expect_the_same_in_half(reduction, random.values(6 * 37), 2);
  }
  Select select;
  select.rows = 3;
  select.columns = 37;
  select.condition.rows = rows_in(Space::input, 37);
  select.left.rows = rows_in(Space::input, 37);
  select.right = {rows_in(Space::input, 1), true};
  select.output = rows_in(Space::output, 37);
  expect_the_same_in_half(select, random.values(3 * 37), 3 * 37);
  const Softmax softmax{false, 3, 37, rows_in(Space::input, 37), rows_in(Space::output, 37)};
  expect_the_same_in_half(softmax, random.values(3 * 37, 5), 3 * 37);
  const std::vector<std::int32_t> begins = {0};
  Matmul matmul;
  matmul.batches = 1;
  matmul.rows = 11;
  matmul.depth = 13;
  matmul.columns = 21;
  matmul.left = {Space::input, 0, 13, begins.data()};
  matmul.right = {Space::input, 0, 21, begins.data()};
  matmul.output = {Space::output, 0, 21, begins.data()};
  expect_the_same_in_half(matmul, random.values(13 * 21), 11 * 21);
}

}  // namespace
}  // namespace hvit_edge::native::testing
