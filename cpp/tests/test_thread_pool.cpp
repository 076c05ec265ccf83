#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "hvit_edge/threads.h"
#include "sanitizer.h"
#include "small/thread_pool.h"

namespace hvit_edge::small {
namespace {

/// Counts how often each index is worked on.
struct Counts {
  explicit Counts(std::size_t count) : of(count) {}
  std::vector<std::atomic<int>> of;
};

void count_one(const void* work, std::int64_t index) {
  auto& counts = *static_cast<Counts*>(const_cast<void*>(work));
  counts.of[static_cast<std::size_t>(index)].fetch_add(1, std::memory_order_relaxed);
}

void expect_each_once(ThreadPool& pool, std::int64_t count) {
  Counts counts(static_cast<std::size_t>(count));
  pool.run(count, count_one, &counts);
  for (const std::atomic<int>& one : counts.of) ASSERT_EQ(one.load(), 1);
}

TEST(ThreadPool, DoesEveryPartOnce) {
  ThreadPool pool;
  for (const std::size_t threads : {1, 2, 3, 7}) {
    ASSERT_TRUE(pool.resize(threads));
    EXPECT_EQ(pool.threads(), threads);
    for (const std::int64_t count : {0, 1, 2, 3, 16, 17, 1000}) expect_each_once(pool, count);
  }
}

TEST(ThreadPool, HasTheThreadsOfThisMachineAtFirst) {
  ThreadPool pool;
  EXPECT_EQ(pool.threads(), static_cast<std::size_t>(auto_threads()));
  expect_each_once(pool, 100);
}

// Workers sleep after each operation here, because no inference runs.
TEST(ThreadPool, WakesWorkersThatSleep) {
  ThreadPool pool;
  ASSERT_TRUE(pool.resize(3));
  for (int i = 0; i < 500; ++i) expect_each_once(pool, 5);
}

TEST(ThreadPool, RunsManyOperationsOfAnInference) {
  ThreadPool pool;
  ASSERT_TRUE(pool.resize(3));
  for (int inference = 0; inference < 20; ++inference) {
    const Inference running(pool);
    for (int i = 0; i < 100; ++i) expect_each_once(pool, 1 + i);
  }
}

struct Meeting {
  std::atomic<int> arrived{0};
  int wanted = 0;
};

// Each part waits for the others: they only end if so many threads work at once.
void meet(const void* work, std::int64_t) {
  auto& meeting = *static_cast<Meeting*>(const_cast<void*>(work));
  ++meeting.arrived;
  while (meeting.arrived.load() < meeting.wanted) std::this_thread::yield();
}

TEST(ThreadPool, WorksOnAllThreadsAtOnce) {
  ThreadPool pool;
  for (const int threads : {2, 4}) {
    ASSERT_TRUE(pool.resize(static_cast<std::size_t>(threads)));
    for (int i = 0; i < 20; ++i) {
      Meeting meeting;
      meeting.wanted = threads;
      pool.run(threads, meet, &meeting);
      EXPECT_EQ(meeting.arrived.load(), threads);
    }
  }
}

TEST(ThreadPool, ServesSeveralCallersInTurn) {
  ThreadPool pool;
  ASSERT_TRUE(pool.resize(3));
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      const Inference running(pool);
      for (int i = 0; i < 100; ++i) expect_each_once(pool, 20);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

// Sanitizers do not know threads of a fork.
#if !defined(HVIT_EDGE_THREAD_SANITIZER) && !defined(HVIT_EDGE_ADDRESS_SANITIZER)
// The workers of a process are not in its fork, which starts its own.
TEST(ThreadPool, WorksInAForkOfTheProcess) {
  ThreadPool pool;
  ASSERT_TRUE(pool.resize(3));
  expect_each_once(pool, 100);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    for (const int threads : {3, 2}) {
      Meeting meeting;
      meeting.wanted = threads;
      if (!pool.resize(static_cast<std::size_t>(threads))) _exit(2);
      const Inference running(pool);
      pool.run(threads, meet, &meeting);
      if (meeting.arrived.load() != threads) _exit(3);
    }
    _exit(0);
  }
  int state = 0;
  ASSERT_EQ(waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << state;
  expect_each_once(pool, 100);
}
#endif

#if defined(__linux__) && !defined(HVIT_EDGE_ADDRESS_SANITIZER) && \
    !defined(HVIT_EDGE_THREAD_SANITIZER)
/// Leaves the process this much more address space while it lives.
class LittleSpace {
 public:
  explicit LittleSpace(rlim_t bytes) {
    std::ifstream sizes("/proc/self/statm");
    rlim_t pages = 0;
    sizes >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit little = before_;
    little.rlim_cur = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &little);
  }
  ~LittleSpace() { setrlimit(RLIMIT_AS, &before_); }
  LittleSpace(const LittleSpace&) = delete;
  LittleSpace& operator=(const LittleSpace&) = delete;

 private:
  rlimit before_{};
};

// There is no space for the stacks of so many threads.
TEST(ThreadPool, KeepsItsThreadsIfThereAreNoMore) {
  ThreadPool pool;
  ASSERT_TRUE(pool.resize(2));
  {
    const LittleSpace limit(rlim_t{256} << 20);
    EXPECT_FALSE(pool.resize(1000));
    EXPECT_EQ(pool.threads(), 2U);
    const Status status = set_threads(1000);
    EXPECT_EQ(status.code(), StatusCode::out_of_memory);
    EXPECT_NE(status.message().find("[set_threads] expected 1000 threads, got "), std::string::npos)
        << status.message();
  }
  expect_each_once(pool, 100);
  EXPECT_TRUE(set_threads(0).ok());
}
#endif

}  // namespace
}  // namespace hvit_edge::small
