// The native operators give the same bits with any number of threads. They do not run under
// ThreadSanitizer, because ExecuTorch's pool does not tell it how threads wait for each other.
#include "hvit_edge/threads.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

void expect_same_bits(const Operation& operation, const Memory& memory, std::size_t count) {
  for (const InstructionSet& set : present_sets()) {
    ASSERT_TRUE(set_threads(1).ok());
    const std::vector<float> alone = written(set.run, operation, memory, Space::output, count);
    EXPECT_NE(alone[kGuard], kUntouched);
    for (const int threads : {2, 3, 5}) {
      ASSERT_TRUE(set_threads(threads).ok());
      ASSERT_EQ(written(set.run, operation, memory, Space::output, count), alone)
          << set.name << " with " << threads << " threads";
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

TEST(NativeThreads, MultiplyTheSame) {
  Random random(1);
  const std::int64_t rows = 301, depth = 130, columns = 205;
  Memory memory;
  memory.input = random.values(rows * depth);
  const std::vector<float> weights = panels(random.values(depth * columns), depth, columns);
  Linear layer;
  layer.rows = rows;
  layer.depth = depth;
  layer.columns = columns;
  layer.input = {Space::input, 0, depth, nullptr};
  layer.weights = weights.data();
  layer.epilogue.first = Activation::gelu;
  layer.epilogue.output = {Space::output, 0, columns, nullptr};
  expect_same_bits(layer, memory, rows * columns);
}

TEST(NativeThreads, ConvolveTheSame) {
  Random random(2);
  Memory memory;
  memory.input = random.values(40 * 40 * 24);
  const std::vector<float> weights = random.values(9 * 24);
  Depthwise layer;
  layer.window = {Space::input, 0, 40, 40, 24, 40 * 24, 24, 40, 40, 3, 3, 1, 1, 1, 1};
  layer.weights = weights.data();
  layer.epilogue.output = {Space::output, 0, 24, nullptr};
  expect_same_bits(layer, memory, 40 * 40 * 24);
}

TEST(NativeThreads, AttendTheSame) {
  Random random(3);
  const std::int64_t heads = 4, tokens = 150, width = 20;
  const std::vector<std::int32_t> table = {0, 20, 40, 60};
  Memory memory;
  memory.input = random.values(3 * heads * tokens * width);
  memory.arena.resize(heads * (160 * width + 32 * tokens));
  const std::int64_t bytes = 4 * heads * tokens * width;
  Attention layer;
  layer.heads = heads;
  layer.queries = layer.keys = tokens;
  layer.width = layer.value_width = width;
  layer.query = {Space::input, 0, heads * width, table.data()};
  layer.key = {Space::input, bytes, heads * width, table.data()};
  layer.value = {Space::input, 2 * bytes, heads * width, table.data()};
  layer.output = {Space::output, 0, heads * width, table.data()};
  layer.scale = 0.2F;
  expect_same_bits(layer, memory, heads * tokens * width);
}

}  // namespace
}  // namespace hvit_edge::native::testing
