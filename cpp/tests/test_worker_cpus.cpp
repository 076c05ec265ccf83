#include <gtest/gtest.h>

#include <thread>

#include "engine/cpu_count.h"
#include "small/worker_cpus.h"

namespace hvit_edge::small {
namespace {

using Cpus = std::vector<int>;

TEST(WorkerCpus, AreTheFastOnesIfEveryThreadHasOne) {
  const Cpus all = {0, 1, 2, 3, 4, 5, 6, 7}, fast = {4, 5, 6, 7};
  EXPECT_EQ(worker_cpus(4, fast, all), fast);
  EXPECT_EQ(worker_cpus(2, fast, all), fast);
  EXPECT_EQ(worker_cpus(5, fast, all), Cpus());  // somebody wants the slow ones too
  EXPECT_EQ(worker_cpus(4, all, all), Cpus());
  EXPECT_EQ(worker_cpus(1, {}, {}), Cpus());
}

#if defined(__linux__)
TEST(WorkerCpus, KeepAThreadOnThem) {
  const Cpus before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  Cpus inside, after;
  std::thread([&] {
    stay_on({before.back()});
    inside = allowed_cpus();
    stay_on({});  // changes nothing
    after = allowed_cpus();
  }).join();
  EXPECT_EQ(inside, Cpus{before.back()});
  EXPECT_EQ(after, inside);
  EXPECT_EQ(allowed_cpus(), before);
}
#endif

}  // namespace
}  // namespace hvit_edge::small
