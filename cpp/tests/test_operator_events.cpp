#include <executorch/runtime/platform/platform.h>
#include <gtest/gtest.h>

#include "artifact.h"
#include "executorch/operator_events.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

TEST(OperatorEvents, KeepsNamesAndTimesInTheirOrder) {
  const et_tick_ratio_t ratio = executorch::runtime::pal_ticks_to_ns_multiplier();
  OperatorEvents events;
  char name[] = "Softmax (NC, F32) #1";
  events.log_profiling_delegate(name, -1, 7000, 9000, nullptr, 0);
  name[0] = 's';  // the caller's memory may change
  events.log_profiling_delegate(nullptr, 5, 9000, 9001, nullptr, 0);
  ASSERT_EQ(events.operators().size(), 2U);
  const OperatorTime& first = events.operators()[0];
  EXPECT_EQ(first.name, "Softmax (NC, F32) #1");
  EXPECT_EQ(first.start_ns, static_cast<std::int64_t>(7000 * ratio.numerator / ratio.denominator));
  EXPECT_EQ(first.end_ns, static_cast<std::int64_t>(9000 * ratio.numerator / ratio.denominator));
  EXPECT_EQ(events.operators()[1].name, "#5");
  events.clear();
  EXPECT_TRUE(events.operators().empty());
}

TEST(OperatorEvents, KeepsCallsOfKernelsWithTheirInstruction) {
  OperatorEvents events;
  events.set_chain_debug_handle(0, 7);
  const auto entry = events.start_profiling("OPERATOR_CALL", -1, 0);
  EXPECT_TRUE(events.operators().empty());
  events.end_profiling(entry);
  ASSERT_EQ(events.operators().size(), 1U);
  EXPECT_EQ(events.operators()[0].name, "instruction 7");
  EXPECT_LE(events.operators()[0].start_ns, events.operators()[0].end_ns);
}

TEST(OperatorEvents, KeepsNothingElse) {
  OperatorEvents events;
  events.create_event_block("Execute");
  events.end_profiling(events.start_profiling("DELEGATE_CALL", 0, 0));
  events.end_profiling(events.start_profiling("Method::execute", 0, 0));
  events.end_profiling(events.start_profiling(nullptr, 0, 0));
  events.end_profiling_delegate(events.start_profiling_delegate("x", -1), nullptr, 0);
  events.track_allocation(events.track_allocator("planned"), 64);
  EXPECT_TRUE(events.operators().empty());
}

Result<Session> load_tiny(bool time_operators) {
  SessionOptions options;
  options.threads = 1;
  options.time_operators = time_operators;
  return Session::load(testing::tiny_path(), options);
}

// There are two delegates: the mean between them is outside.
TEST(OperatorEvents, ASessionNamesTheOperatorsOfItsLastRun) {
  Result<Session> session = load_tiny(true);
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_TRUE(session->operators().empty());
  const std::vector<float> pixels(3 * 32 * 24, 0.5F);
  const TensorView input{pixels.data(), {1, 3, 32, 24}, DType::float32};
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE(session->run({input}).ok());
    const std::vector<OperatorTime>& found = session->operators();
    ASSERT_EQ(found.size(), 5U);
    EXPECT_EQ(found[0].name, "Transpose (ND, X32) #1");
    EXPECT_EQ(found[1].name.substr(0, 24), "Convolution (NHWC, F32) ");
    EXPECT_EQ(found[2].name, "Transpose (ND, X32) #2");
    EXPECT_EQ(found[3].name, "instruction 1");
    EXPECT_EQ(found[4].name.substr(0, 26), "Fully Connected (NC, F32) ");
    for (const OperatorTime& each : found) EXPECT_LE(each.start_ns, each.end_ns);
    EXPECT_EQ(found[0].end_ns, found[1].start_ns);
  }
}

TEST(OperatorEvents, TimedRunsGiveTheSameNumbers) {
  Result<Session> timed = load_tiny(true);
  Result<Session> plain = load_tiny(false);
  ASSERT_TRUE(timed.ok() && plain.ok());
  const std::vector<float> pixels(3 * 32 * 24, 0.5F);
  const TensorView input{pixels.data(), {1, 3, 32, 24}, DType::float32};
  std::vector<float> with(7), without(7);
  ASSERT_TRUE(timed->run({input}, {with.data()}).ok());
  ASSERT_TRUE(plain->run({input}, {without.data()}).ok());
  EXPECT_EQ(with, without);
  EXPECT_TRUE(plain->operators().empty());
}

}  // namespace
}  // namespace hvit_edge
