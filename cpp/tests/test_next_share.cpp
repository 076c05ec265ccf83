// A model of threads on cores of different speeds that share the work of an operation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "small/next_share.h"

namespace hvit_edge::small {
namespace {

using Speeds = std::vector<double>;

/// Returns the time until all indices are done, relative to cores that are always busy. The core
/// that is free first takes the next share, and an index takes 1 / speed.
template <typename Share>
double relative_time(std::int64_t count, const Speeds& speeds, const Share& share) {
  std::vector<double> free_at(speeds.size(), 0.0);
  double end = 0.0;
  for (std::int64_t first = 0; first < count;) {
    const auto core = std::min_element(free_at.begin(), free_at.end());
    const std::int64_t taken = share(count - first);
    *core += static_cast<double>(taken) / speeds[static_cast<std::size_t>(core - free_at.begin())];
    end = std::max(end, *core);
    first += taken;
  }
  const double speed = std::accumulate(speeds.begin(), speeds.end(), 0.0);
  return end * speed / static_cast<double>(count);
}

double with_next_share(std::int64_t count, const Speeds& speeds) {
  const auto threads = static_cast<std::int64_t>(speeds.size());
  return relative_time(count, speeds, [=](std::int64_t left) { return next_share(left, threads); });
}

/// Eight equal shares for each thread.
double with_equal_shares(std::int64_t count, const Speeds& speeds) {
  const auto threads = static_cast<std::int64_t>(speeds.size());
  const std::int64_t together = std::max<std::int64_t>(count / (8 * threads), 1);
  return relative_time(count, speeds, [=](std::int64_t left) { return std::min(together, left); });
}

const Speeds kTwo = {1.0, 1.0};
const Speeds kFour = {1.0, 1.0, 1.0, 1.0};
const Speeds kBigLittle = {1.0, 1.0, 1.0, 1.0, 0.35, 0.35, 0.35, 0.35};
const Speeds kTwoBig = {1.0, 1.0, 0.35, 0.35, 0.35, 0.35, 0.35, 0.35};
const Speeds kPrime = {1.0, 0.8, 0.8, 0.8, 0.3, 0.3, 0.3, 0.3};

TEST(NextShare, TakesEveryIndexOnce) {
  for (const std::int64_t threads : {1, 2, 3, 8, 64}) {
    for (const std::int64_t count : {1, 2, 7, 64, 1000, 100003}) {
      std::int64_t left = count, shares = 0;
      for (; left > 0; ++shares) {
        const std::int64_t share = next_share(left, threads);
        ASSERT_GE(share, 1);
        ASSERT_LE(share, left);
        left -= share;
      }
      EXPECT_LE(shares, threads * 34) << threads << " threads, " << count << " indices";
    }
  }
}

TEST(NextShare, KeepsEqualCoresEquallyBusy) {
  for (const std::int64_t jobs : {16, 64, 300}) {
    EXPECT_NEAR(with_next_share(2 * jobs, kTwo), 1.0, 1e-9);
    EXPECT_NEAR(with_next_share(4 * jobs, kFour), 1.0, 1e-9);
  }
  EXPECT_GT(with_equal_shares(4 * 300, kFour), 1.03);  // 33 shares for four cores
}

// A slow core holds the fast ones for the time of one index.
TEST(NextShare, DoesNotWaitForSlowCores) {
  for (const Speeds& speeds : {kBigLittle, kTwoBig, kPrime}) {
    for (const std::int64_t jobs : {16, 32, 64, 128, 300, 1000}) {
      const std::int64_t count = jobs * static_cast<std::int64_t>(speeds.size());
      const double speed = std::accumulate(speeds.begin(), speeds.end(), 0.0);
      const double slowest = *std::min_element(speeds.begin(), speeds.end());
      EXPECT_LE(with_next_share(count, speeds),
                1.0 + speed / slowest / static_cast<double>(count) + 1e-9)
          << speeds.size() << " cores, " << count << " indices";
    }
  }
  EXPECT_GT(with_equal_shares(2400, kBigLittle), 1.15);
  EXPECT_LT(with_next_share(2400, kBigLittle), 1.005);
  EXPECT_GT(with_equal_shares(512, kPrime), 1.19);
  EXPECT_LT(with_next_share(512, kPrime), 1.02);
}

}  // namespace
}  // namespace hvit_edge::small
