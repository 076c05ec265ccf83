// The plans that read_plan accepts, and the reason for each refusal.
#include <gtest/gtest.h>

#include <limits>

#include "native_plan.h"

namespace hvit_edge::native::testing {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 31;  // the largest allowed size
constexpr char kReaches[] = "memory beyond what it asks for";
constexpr char kBeyond[] = "constants beyond its end";
constexpr char kTooLarge[] = "a size that is too large";

Status refusal(const PlanWriter& writer) {
  const std::vector<std::int64_t> data = writer.bytes();
  return read_plan(data.data(), 8 * data.size()).status();
}

std::string reason(const std::string& why) {
  return "[native.load] expected a plan of version " + std::to_string(kVersion) + ", got " + why +
         "; compile the model again with this version of hvit-edge";
}

void expect_refused(const Status& status, const std::string& why) {
  EXPECT_EQ(status.code(), StatusCode::invalid_artifact);
  EXPECT_EQ(status.message(), reason(why));
}

struct Fault {
  std::size_t word;
  std::int64_t value;
  const char* why;
};

// `writer` is accepted; with any of `faults`, it is refused.
void expect_faults(const PlanWriter& writer, const std::vector<Fault>& faults) {
  ASSERT_TRUE(refusal(writer).ok()) << refusal(writer).message();
  for (const Fault& fault : faults) {
    SCOPED_TRACE(::testing::Message() << "word " << fault.word << " is " << fault.value);
    PlanWriter changed = writer;
    ASSERT_LT(fault.word, changed.words.size());
    changed.words[fault.word] = fault.value;
    expect_refused(refusal(changed), fault.why);
  }
  for (std::size_t kept = 1; kept < writer.words.size(); ++kept) {
    PlanWriter cut = writer;
    cut.words.resize(kept);
    const Status status = refusal(cut);
    EXPECT_EQ(status.message(), reason("one that ends too early")) << kept << " words";
  }
}

// Two rows of three values; a residual and a table for the output.
PlanWriter linear() {
  PlanWriter writer;
  writer.arena = 64;
  writer.input = 4 * 6;
  writer.output = 4 * 8;
  const std::int64_t taps = writer.constant<std::int32_t>({2, 0, 1});
  const std::int64_t weights = writer.constant(std::vector<float>(3 * 16));
  const std::int64_t bias = writer.constant(std::vector<float>(16));
  const std::int64_t table = writer.constant<std::int32_t>({4, 0});
  writer.operation(
      {0, 2, 3, 4, taps, 2, 0, 3, -1, weights, bias, 2, 0, 32, 4, -1, 1, 3, 0, 0, table});
  return writer;
}

// The constants of linear() in memory that several plans share.
struct Shared {
  explicit Shared(const PlanWriter& writer)
      : plan(writer.bytes(true)), words((writer.constants.size() + 7) / 8) {
    std::memcpy(words.data(), writer.constants.data(), writer.constants.size());
  }
  Result<Plan> read(std::size_t bytes, std::size_t skipped = 0) const {
    const char* data = reinterpret_cast<const char*>(words.data()) + skipped;
    return read_plan(plan.data(), 8 * plan.size(), {data, bytes});
  }
  std::vector<std::int64_t> plan, words;
};

TEST(NativeReadPlan, AcceptsAPlanThatSharesItsConstants) {
  const PlanWriter writer = linear();
  const Shared shared(writer);
  const std::vector<std::int64_t> whole = writer.bytes();
  EXPECT_TRUE(shares_constants(shared.plan.data(), 8 * shared.plan.size()));
  EXPECT_FALSE(shares_constants(whole.data(), 8 * whole.size()));
  EXPECT_FALSE(shares_constants(shared.plan.data(), 64));
  const Result<Plan> plan = shared.read(writer.constants.size());
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(static_cast<const void*>(plan->constants), shared.words.data());
  const Result<Plan> own = read_plan(whole.data(), 8 * whole.size());
  ASSERT_TRUE(own.ok());
  const auto offset = [](const Plan& of) {
    return static_cast<const char*>(std::get<Linear>(of.operations[0]).weights) - of.constants;
  };
  EXPECT_EQ(offset(*plan), offset(*own));
}

TEST(NativeReadPlan, RefusesSharedConstantsThatAreShorterOrNotAligned) {
  const PlanWriter writer = linear();
  const Shared shared(writer);
  const std::size_t size = writer.constants.size();
  expect_refused(shared.read(size - 1).status(), "one whose parts do not fit");
  expect_refused(shared.read(0).status(), "one whose parts do not fit");
  expect_refused(shared.read(size, 4).status(), "shared constants that are not aligned");
  EXPECT_TRUE(shared.read(size + 8).ok());  // a later plan added some
}

TEST(NativeReadPlan, AcceptsAPlan) {
  const std::vector<std::int64_t> data = linear().bytes();
  const Result<Plan> plan = read_plan(data.data(), 8 * data.size());
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->arena_bytes, 64U);
  EXPECT_EQ(plan->input_bytes, 24U);
  EXPECT_EQ(plan->output_bytes, 32U);
  EXPECT_EQ(plan->names, std::vector<std::string>{"name"});
  ASSERT_EQ(plan->operations.size(), 1U);
  const auto& layer = std::get<Linear>(plan->operations[0]);
  EXPECT_EQ(layer.rows, 2);
  EXPECT_EQ(layer.depth, 3);
  EXPECT_EQ(layer.columns, 4);
  EXPECT_EQ(layer.taps[0], 2);
  EXPECT_EQ(layer.input.space, Space::input);
  EXPECT_EQ(layer.input.stride, 3);
  EXPECT_EQ(layer.epilogue.first, Activation::silu);
  EXPECT_EQ(layer.epilogue.residual.offset, 32);
  EXPECT_EQ(layer.epilogue.second, Activation::relu);
  EXPECT_EQ(layer.epilogue.output.space, Space::output);
  EXPECT_EQ(layer.epilogue.output.table[0], 4);
}

TEST(NativeReadPlan, AcceptsNoOperations) { EXPECT_TRUE(refusal(PlanWriter()).ok()); }

TEST(NativeReadPlan, RefusesOtherFiles) {
  PlanWriter writer = linear();
  writer.magic = 7;
  expect_refused(refusal(writer), "something else");
  writer = linear();
  writer.version = kVersion + 1;
  EXPECT_EQ(refusal(writer).message(),
            "[native.load] expected a plan of version " + std::to_string(kVersion) +
                " at most, got version " + std::to_string(kVersion + 1) +
                "; update hvit-edge, or compile the model again with this version");
  const std::vector<std::int64_t> data = linear().bytes();
  expect_refused(read_plan(data.data(), 71).status(), "71 bytes");
  expect_refused(read_plan(nullptr, 0).status(), "0 bytes");
  expect_refused(
      read_plan(reinterpret_cast<const char*>(data.data()) + 4, 8 * data.size() - 4).status(),
      "data that is not aligned");
}

TEST(NativeReadPlan, RefusesPartsThatDoNotFit) {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> good = linear().bytes();
  // Arena, input, output, words, names, offset of the constants, bytes of the constants.
  for (std::size_t part = 2; part < 9; ++part) {
    for (const std::int64_t value : {std::int64_t{-1}, least, most, most / 8}) {
      std::vector<std::int64_t> data = good;
      data[part] = value;
      SCOPED_TRACE(::testing::Message() << "word " << part << " is " << value);
      expect_refused(read_plan(data.data(), 8 * data.size()).status(),
                     "one whose parts do not fit");
    }
  }
  std::vector<std::int64_t> data = good;
  data[7] += 4;  // constants that are not aligned
  expect_refused(read_plan(data.data(), 8 * data.size()).status(), "one whose parts do not fit");
  for (std::size_t cut = 1; cut < good.size() - 9; ++cut) {
    EXPECT_FALSE(read_plan(good.data(), 8 * (good.size() - cut)).ok()) << cut;
  }
}

// Found by fuzz_container: a plan of some kilobytes asked for 20 GB.
TEST(NativeReadPlan, LimitsMemory) {
  for (const std::size_t part : {2, 3, 4}) {  // arena, input, output
    std::vector<std::int64_t> data = linear().bytes();
    data[part] = std::int64_t{1} << 31;
    EXPECT_TRUE(read_plan(data.data(), 8 * data.size()).ok());
    data[part] += 1;
    expect_refused(read_plan(data.data(), 8 * data.size()).status(),
                   "one that needs more than 2147483648 bytes of memory");
  }
}

TEST(NativeReadPlan, RefusesOperationsWithoutNames) {
  PlanWriter writer = linear();
  writer.names.clear();
  expect_refused(refusal(writer), "an operation without a name");
  writer.names = "endless";
  expect_refused(refusal(writer), "an operation without a name");
}

TEST(NativeReadPlan, RefusesWrongLinearLayers) {
  const PlanWriter writer = linear();
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  expect_faults(writer, {{0, 1000, "a kind that is unknown"},
                         {0, -1, "a kind that is unknown"},
                         {1, 0, "a size of zero"},
                         {1, -1, "a number that is out of range"},
                         {1, kHuge + 1, "a number that is out of range"},
                         {1, 3, kReaches},
                         {1, kHuge, kReaches},
                         {2, kHuge, kBeyond},
                         {3, 17, kBeyond},
                         {3, kHuge, kBeyond},
                         {4, -2, kBeyond},
                         {4, 1, kBeyond},
                         {4, all, kBeyond},
                         {4, all - 8, kBeyond},
                         {5, 3, "memory that is not for this"},
                         {5, 4, "memory that is unknown"},
                         {5, -1, "memory that is unknown"},
                         {6, 4, kReaches},
                         {6, 2, kReaches},
                         {6, -4, "a number that is out of range"},
                         {7, 4, kReaches},
                         {7, kHuge, kReaches},
                         {8, all, kBeyond},
                         {9, -1, kBeyond},
                         {9, all - 60, kBeyond},
                         {10, all - 60, kBeyond},
                         {11, kActivations, "a kind that is unknown"},
                         {12, 3, "memory that is not for this"},
                         {13, 36, kReaches},
                         {14, 5, kReaches},
                         {16, -1, "a kind that is unknown"},
                         {17, 1, "memory that is not for this"},
                         {17, 2, "memory that is not for this"},
                         {18, 4, kReaches}});
}

TEST(NativeReadPlan, RefusesNegativePlaces) {
  for (const std::size_t word : {4, 20}) {
    PlanWriter writer = linear();
    writer.words[word] = writer.constant<std::int32_t>({0, -1, 1});
    expect_refused(refusal(writer), "a table with a negative place");
  }
  PlanWriter writer = linear();
  writer.words[20] = writer.constant<std::int32_t>({0, 5});
  expect_refused(refusal(writer), kReaches);
  writer = linear();
  writer.words[4] = writer.constant<std::int32_t>({0, 4, 1});
  expect_refused(refusal(writer), kReaches);
}

// The window of a 5 x 4 map with 2 channels: 3 x 2 windows of 3 x 3 in steps of 2.
std::vector<std::int64_t> window() { return {2, 0, 5, 4, 2, 8, 2, 3, 2, 3, 3, 2, 2, 1, 1}; }

PlanWriter windowed(std::int64_t kind) {
  PlanWriter writer;
  writer.input = 4 * 5 * 4 * 2;
  writer.output = 4 * 3 * 2 * 2;
  writer.operation({kind});
  const auto words = window();
  writer.words.insert(writer.words.end(), words.begin(), words.end());
  return writer;
}

void append(PlanWriter& writer, std::initializer_list<std::int64_t> words) {
  writer.words.insert(writer.words.end(), words);
}

TEST(NativeReadPlan, RefusesWrongConvolutions) {
  PlanWriter writer = windowed(1);
  append(writer, {2, writer.constant(std::vector<float>(9 * 2 * 16)), -1, 0, -1, 0, 3, 0, 2, -1});
  expect_faults(writer, {{1, 4, "a kind that is unknown"},
                         {1, 3, "memory that is not for this"},
                         {3, 6, kReaches},
                         {4, 5, kReaches},
                         {5, 3, kReaches},
                         {5, 8193, "too many channels"},
                         {6, 9, kReaches},
                         {7, 0, "a size of zero"},
                         {8, 4, kReaches},
                         {8, kHuge, kReaches},
                         {10, 86, "too large a window"},
                         {10, 4, kBeyond},
                         {12, 0, "a size of zero"},
                         {14, -1, "a number that is out of range"},
                         {16, 17, kBeyond},
                         {17, 4, kBeyond}});
  // Sizes that were refused are not used in later sums.
  for (std::size_t word = 8; word < 12; ++word) writer.words[word] = kHuge;
  writer.words[5] = kHuge;
  expect_refused(refusal(writer), kTooLarge);
}

TEST(NativeReadPlan, RefusesWrongDepthwiseConvolutions) {
  PlanWriter writer = windowed(2);
  append(writer, {writer.constant(std::vector<float>(9 * 2)), -1, 0, -1, 0, 3, 0, 2, -1});
  expect_faults(writer, {{8, 4, kReaches}, {11, 4, kBeyond}, {16, 4, kBeyond}, {17, 72, kBeyond}});
}

TEST(NativeReadPlan, RefusesPoolsOfNoPixels) {
  PlanWriter writer = windowed(3);
  append(writer, {1, 3, 0, 2, -1});
  constexpr char nothing[] = "a pool of no pixels";
  expect_faults(writer, {{14, 3, nothing},
                         {15, 3, nothing},
                         {12, 3, nothing},
                         {13, 5, nothing},
                         {16, 2, "a kind that is unknown"},
                         {8, 4, kReaches}});
}

TEST(NativeReadPlan, RefusesWrongNorms) {
  PlanWriter writer;
  writer.input = writer.output = 4 * 6;
  const std::int64_t gamma = writer.constant(std::vector<float>(3));
  writer.operation({4, 2, 3, 2, 0, 3, -1, gamma, -1, bits(1e-5), 0, 3, 0, 3, -1});
  constexpr char infinite[] = "a number that is not finite";
  expect_faults(writer, {{1, 3, kReaches},
                         {2, 4, kReaches},
                         {7, 4, kBeyond},
                         {8, 4, kBeyond},
                         {9, bits(std::numeric_limits<double>::infinity()), infinite},
                         {9, bits(std::numeric_limits<double>::quiet_NaN()), infinite},
                         {10, kActivations, "a kind that is unknown"},
                         {11, 2, "memory that is not for this"}});
}

TEST(NativeReadPlan, RefusesWrongAttention) {
  PlanWriter writer;
  writer.input = 4 * 2 * 5 * 3;
  writer.output = 4 * 2 * 5 * 3;
  writer.arena = 4 * 2 * (16 * 3 + 16 * 5);
  const std::int64_t places = writer.constant<std::int32_t>({0, 15});
  const std::int64_t far = writer.constant<std::int32_t>({0, 16});
  const std::int64_t second = writer.constant<std::int32_t>({80, 81});
  const std::int64_t beyond = writer.constant<std::int32_t>({0, 1});
  const std::int64_t own = writer.constant<std::int32_t>({0, 0});
  const std::int64_t bias = writer.constant(std::vector<float>(5 * 16));
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  writer.operation({5, 2, 5, 5,      3, 3, 2, 0,      3, places, 2,   0,         3, places,
                    2, 0, 3, places, 3, 0, 3, places, 1, bias,   own, bits(0.5), 0});
  constexpr char many[] = "attention over too many keys or values";
  constexpr char matrices[] = "a bias beyond its matrices";
  expect_faults(writer,
                {{1, 0, "a size of zero"},
                 {2, 6, kReaches},
                 {3, 6, kReaches},
                 {3, kMostKeys + 1, many},
                 {4, 4, kReaches},
                 {5, 4, kReaches},
                 {4, kMostWidth + 1, many},
                 {5, kMostWidth + 1, many},
                 {9, far, kReaches},
                 {9, -1, kBeyond},
                 {13, far, kReaches},
                 {17, far, kReaches},
                 {18, 2, "memory that is not for this"},
                 {21, far, kReaches},
                 {22, 2, kBeyond},
                 {22, kHuge, kTooLarge},
                 {23, all, kBeyond},
                 {24, beyond, matrices},
                 {24, second, matrices},
                 {25, bits(std::numeric_limits<double>::infinity()), "a number that is not finite"},
                 {26, 4, kReaches}});
}

TEST(NativeReadPlan, RefusesWrongSums) {
  PlanWriter writer;
  writer.input = writer.output = 4 * 6;
  writer.operation({6, 2, 3, 2, 0, 3, -1, -1, bits(1), bits(1), 0, 3, 0, 3, -1});
  expect_faults(writer,
                {{1, 3, kReaches},
                 {3, 3, "memory that is not for this"},
                 {7, 4, "memory that is unknown"},
                 {8, bits(std::numeric_limits<double>::infinity()), "a number that is not finite"},
                 {10, kActivations, "a kind that is unknown"},
                 {13, 4, kReaches}});
}

TEST(NativeReadPlan, RefusesWrongMeans) {
  PlanWriter writer;
  writer.input = 4 * 12;
  writer.output = 4 * 6;
  writer.operation({7, 2, 2, 3, 2, 0, 3, -1, 3, 0, 3, -1});
  expect_faults(writer, {{1, 3, kReaches},
                         {2, 3, kReaches},
                         {1, kHuge, kReaches},
                         {2, kHuge, kReaches},
                         {4, -1, "memory that is unknown"},
                         {8, 0, kReaches}});
}

TEST(NativeReadPlan, RefusesWrongPads) {
  PlanWriter writer;
  writer.input = 4 * 2 * 3 * 4;
  writer.arena = 4 * 2 * 5 * 8;
  writer.operation({8, 2, 3, 4, 1, 2, 2, 0, 0, -1, 0});
  expect_faults(writer, {{1, 3, kReaches},
                         {2, 4, kReaches},
                         {3, 5, kReaches},
                         {4, 2, kReaches},
                         {5, 3, kReaches},
                         {5, kHuge, kTooLarge},
                         {10, 4, kReaches}});
  // Products beyond 64 bits.
  for (const std::size_t word : {1, 2, 3, 4, 5}) writer.words[word] = kHuge;
  expect_refused(refusal(writer), kTooLarge);
}

TEST(NativeReadPlan, RefusesWrongGathers) {
  PlanWriter writer;
  writer.input = 4 * 3;
  writer.arena = 4 * 4;
  const std::int64_t table = writer.constant<std::int32_t>({0, 2, 1, 0});
  const std::int64_t far = writer.constant<std::int32_t>({0, 3, 1, 0});
  writer.operation({9, 4, table, 2, 0, 0, -1, 0});
  expect_faults(writer, {{1, 5, kReaches},
                         {2, far, kReaches},
                         {2, -1, kBeyond},
                         {3, 3, "memory that is not for this"},
                         {4, 4, kReaches},
                         {7, 4, kReaches}});
}

}  // namespace
}  // namespace hvit_edge::native::testing
