#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "artifact/compare_outputs.h"

namespace hvit_edge {
namespace {

template <typename Value>
TensorView view(const std::vector<Value>& values, DType dtype) {
  return {values.data(), {static_cast<std::int64_t>(values.size())}, dtype};
}

SelfTest compare(const std::vector<float>& golden, const std::vector<float>& actual,
                 double tolerance) {
  return compare_outputs(view(golden, DType::float32), view(actual, DType::float32), tolerance);
}

TEST(CompareOutputs, FloatsPassUpToTheirTolerance) {
  const SelfTest near = compare({1, -4}, {1, -4.001F}, 1e-3);
  EXPECT_TRUE(near.passed);
  EXPECT_NEAR(near.max_rel, 2.5e-4, 1e-6);
  EXPECT_TRUE(near.top1_agree);
  EXPECT_FALSE(compare({1, -4}, {1, -4.1F}, 1e-3).passed);
  EXPECT_FALSE(compare({1, 2}, {3, 2}, 1).top1_agree);
  EXPECT_TRUE(compare({0, 0}, {0, 0}, 1e-4).passed);
  EXPECT_FALSE(compare({0, 0}, {0, 1e-6F}, 1e-4).passed);
  EXPECT_FALSE(compare({1, 2}, {1, std::nanf("")}, 1).passed);
}

TEST(CompareOutputs, OfIntegersAShareMayDiffer) {
  const std::vector<std::int64_t> golden = {1, 2, 3, 4};
  const std::vector<std::int64_t> actual = {1, 2, 3, -6};
  const TensorView wanted = view(golden, DType::int64);
  const SelfTest one = compare_outputs(wanted, view(actual, DType::int64), 0.25);
  EXPECT_TRUE(one.passed);
  EXPECT_EQ(one.max_rel, 0.25);
  EXPECT_EQ(one.max_abs, 10);
  EXPECT_FALSE(compare_outputs(wanted, view(actual, DType::int64), 0.2).passed);
  EXPECT_TRUE(compare_outputs(wanted, wanted, 0).passed);
  const std::vector<std::int32_t> numbers = {1, 2};
  EXPECT_TRUE(compare_outputs(view(numbers, DType::int32), view(numbers, DType::int32), 0).passed);
  const std::vector<std::uint8_t> bytes = {0, 1}, others = {0, 0};
  for (const DType dtype : {DType::uint8, DType::boolean}) {
    EXPECT_EQ(compare_outputs(view(bytes, dtype), view(others, dtype), 0).max_rel, 0.5);
  }
}

TEST(CompareOutputs, NothingElsePasses) {
  const std::vector<double> values = {1};
  EXPECT_FALSE(
      compare_outputs(view(values, DType::float64), view(values, DType::float64), 1).passed);
}

}  // namespace
}  // namespace hvit_edge
