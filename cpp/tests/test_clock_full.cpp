#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "numbered_clock.h"

namespace hvit_edge {
namespace {

std::int64_t nanoseconds() {
  timespec now = {};
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

TEST(NumberedClock, NumbersTheReadsOfThisThread) {
  const std::int64_t before = nanoseconds();
  number_clock_reads();
  const std::int64_t first = nanoseconds();
  const std::int64_t second = nanoseconds();
  std::int64_t elsewhere = 0;
  std::thread([&] { elsewhere = nanoseconds(); }).join();
  // a read by another library
  const auto third = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_EQ(stop_numbering(), 3);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1000);
  EXPECT_EQ(third, std::chrono::microseconds(2));
  EXPECT_GE(elsewhere, before);
  EXPECT_GE(nanoseconds(), before);
}

TEST(NumberedClock, SecondsFollowAMillionReads) {
  number_clock_reads();
  for (int i = 0; i < 1000001; ++i) nanoseconds();
  const std::int64_t last = nanoseconds();
  stop_numbering();
  EXPECT_EQ(last, 1000001000);
}

// The profiler's origin is not the clock's: only differences count.

}  // namespace
}  // namespace hvit_edge
