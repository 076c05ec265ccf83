// Impossible numbers in a file with an intact seal. The patterns that are replaced are those of the
// tiny artifact: its bytes of planned memory, an input of 1x3x32x24, four numbers of parity.
#include <gtest/gtest.h>

#include "altered.h"
#include "engine/check_methods.h"

namespace hvit_edge {
namespace {

using testing::altered;
using testing::bytes_of;
using testing::refusal;

void expect_refused(const std::vector<std::uint8_t>& artifact, const std::string& part) {
  ASSERT_FALSE(artifact.empty());
  const Status status = refusal(artifact);
  EXPECT_EQ(status.code(), StatusCode::invalid_artifact);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

const std::int64_t kPlanned = testing::kSmall ? 9248 : 21568;

std::vector<std::uint8_t> with_planned_memory(std::int64_t bytes) {
  return altered(bytes_of<std::int64_t>({kPlanned}), bytes_of<std::int64_t>({bytes}));
}

TEST(CheckMethods, PlannedMemoryHasALimit) {
  const std::string limit = "expected at most 2147483648 bytes of planned memory, got a buffer of ";
  expect_refused(with_planned_memory(std::int64_t{1} << 40), limit + "1099511627776");
  expect_refused(with_planned_memory((std::int64_t{1} << 31) + 1), limit + "2147483649");
  expect_refused(with_planned_memory(-1), "planned memory, got an unreadable size");
  EXPECT_TRUE(refusal(with_planned_memory(kPlanned + 1)).ok());
}

// Changes the sizes of the input.
std::vector<std::uint8_t> with_input(const std::vector<std::int32_t>& shape) {
  return altered(bytes_of<std::int32_t>({4, 1, 3, 32, 24}),
                 bytes_of<std::int32_t>({4, shape[0], shape[1], shape[2], shape[3]}));
}

TEST(CheckMethods, TensorsHavePossibleSizes) {
  ASSERT_FALSE(with_input({1, 3, 32, 24}).empty());
  EXPECT_TRUE(refusal(with_input({1, 3, 32, 24})).ok());
  for (const std::vector<std::int32_t>& shape : {std::vector<std::int32_t>{1, 3, -32, 24},
                                                 {1, 3, 1 << 20, 1 << 20},
                                                 {1, 3, 1 << 15, 1 << 14}}) {
    const Status status = refusal(with_input(shape));
    EXPECT_EQ(status.code(), StatusCode::invalid_artifact) << shape[2];
  }
  expect_refused(with_input({1, 3, 1 << 15, 1 << 14}),
                 "a tensor of at most 2147483648 bytes as forward's input 0");
}

TEST(CheckMethods, ConstantsLieAmongTheValues) {
  const auto parity = [](std::int32_t count, std::int32_t last) {
    return altered(bytes_of<std::int32_t>({4, 0, 1, 2, 3}),
                   bytes_of<std::int32_t>({count, 0, 1, 2, last}));
  };
  EXPECT_TRUE(refusal(parity(4, 2)).ok());
  expect_refused(parity(4, 99), "expected a value of hve_parity, got an index of none");
  expect_refused(parity(4, -1), "expected a value of hve_parity, got an index of none");
  expect_refused(parity(0, 3), "expected a value of hve_parity, got none");
}

TEST(CheckMethods, ConstantsDoNotCompute) {
  MethodFacts facts;
  SlotFacts value;
  value.exists = true;
  facts.outputs = {value};
  EXPECT_TRUE(check_constant("hve_target", facts).ok());
  MethodFacts runs = facts, calls = facts, plans = facts, takes = facts;
  runs.instructions = 1;
  calls.backends = {"XnnpackBackend"};
  plans.planned = {16};
  takes.inputs = {value};
  for (const MethodFacts& wrong : {runs, calls, plans, takes}) {
    const Status status = check_constant("hve_target", wrong);
    EXPECT_EQ(status.message(),
              "[Session.load] expected hve_target to be a constant, got a method that computes; "
              "compile the model again with hvit-edge");
  }
}

TEST(CheckMethods, TheModelTakesAndGivesTensors) {
  // The names have the same length: the model's method and that of a constant.
  const auto renamed = altered(std::string("hve_std"), "forward");
  ASSERT_FALSE(renamed.empty());
  EXPECT_EQ(refusal(renamed).code(), StatusCode::invalid_artifact);
}

}  // namespace
}  // namespace hvit_edge
