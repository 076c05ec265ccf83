#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/check_inputs.h"

namespace hvit_edge {
namespace {

TEST(FirstNotFinite, FindsEveryPosition) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t position : {0, 1, 4095, 4096, 9999}) {
      std::vector<float> values(10000, 3.0e38F);
      values[position] = bad;
      EXPECT_EQ(first_not_finite(values.data(), values.size()), position);
    }
  }
}

TEST(FirstNotFinite, AcceptsExtremesAndNothing) {
  const std::vector<float> values = {std::numeric_limits<float>::max(), 0.0F, -0.0F,
                                     std::numeric_limits<float>::lowest(),
                                     std::numeric_limits<float>::denorm_min()};
  EXPECT_EQ(first_not_finite(values.data(), values.size()), values.size());
  EXPECT_EQ(first_not_finite(nullptr, 0), 0U);
}

TEST(CheckInputs, ListsEveryFaultAtOnce) {
  const std::vector<float> values(6, 1.0F);
  const std::vector<TensorSpec> expected = {{{1, 6}, DType::float32}, {{6}, DType::int64}};
  const Status status = check_inputs(
      expected, {{values.data(), {2, 3}, DType::float32}, {nullptr, {6}, DType::int64}});
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_NE(status.message().find("input 0: expected float32 [1, 6], got float32 [2, 3]"),
            std::string::npos)
      << status.message();
  EXPECT_NE(status.message().find("input 1: expected data, got a null pointer"), std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace hvit_edge
