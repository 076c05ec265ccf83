// Operations without weights in float16, against the same in float32.
#include "native/half.h"
#include "native_functions.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

// What an operation on `inputs` writes, in float16 where the values are Half.
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

// Every kernel of float16 gives what that of float32 gives, but for roundings.
void expect_the_same_in_half(const Operation& operation, std::vector<float> inputs,
                             std::size_t count) {
  for (float& value : inputs) value = static_cast<float>(Half(value));
  const auto expected = outputs_of<float>(run_portable, operation, inputs, count);
  for (const RunOperation run : {run_half_portable, fastest_instruction_set().run_half}) {
    const auto actual = outputs_of<Half>(run, operation, inputs, count);
    for (std::size_t i = 0; i < count; ++i) {
      const double tolerance = 4e-3 * std::max(1.0F, std::abs(expected[i]));  // sums of a dozen too
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
