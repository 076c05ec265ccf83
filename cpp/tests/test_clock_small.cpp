#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "numbered_clock.h"
#include "small/operator_clock.h"

namespace hvit_edge {
namespace {

std::uint64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

TEST(NumberedClock, NumbersTheReadsAroundOperations) {
  number_clock_reads();
  EXPECT_EQ(operator_clock()(), 0u);
  EXPECT_EQ(operator_clock()(), 1000u);
  EXPECT_EQ(operator_clock()(), 2000u);
  EXPECT_EQ(stop_numbering(), 3);
}

TEST(NumberedClock, ReadsTheTimeAgainAfterwards) {
  number_clock_reads();
  EXPECT_EQ(stop_numbering(), 0);
  const std::uint64_t before = nanoseconds();
  const std::uint64_t read = operator_clock()();
  EXPECT_LE(before, read);
  EXPECT_LE(read, nanoseconds());
}

}  // namespace
}  // namespace hvit_edge
