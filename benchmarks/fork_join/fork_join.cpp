// Times how long the thread pool of the small runtime takes until all threads work on an operation
// and are back from it: fork_join THREADS ROUNDS. Prints medians in nanoseconds as JSON: in an
// inference, while workers wait without sleeping, and after one, when they have to wake up.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "small/thread_pool.h"

namespace {

using hvit_edge::small::Inference;
using hvit_edge::small::ThreadPool;

std::atomic<int> arrived{0};

// Every part waits for all others, so that each thread has one.
void meet(const void* wanted, std::int64_t) {
  ++arrived;
  while (arrived.load() < *static_cast<const int*>(wanted)) {
  }
}

double median_of(ThreadPool& pool, int threads, int rounds) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    arrived = 0;
    const auto begin = std::chrono::steady_clock::now();
    pool.run(threads, meet, &threads);
    times.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "[fork_join] expected THREADS ROUNDS, got %d arguments\n", argc - 1);
    return 2;
  }
  const int threads = std::atoi(argv[1]), rounds = std::atoi(argv[2]);
  ThreadPool pool;
  if (threads < 1 || rounds < 1 || !pool.resize(static_cast<std::size_t>(threads))) {
    std::fprintf(stderr, "[fork_join] expected numbers of at least 1, got %s %s\n", argv[1],
                 argv[2]);
    return 2;
  }
  const double asleep = median_of(pool, threads, rounds);
  const Inference running(pool);
  std::printf("{\"threads\": %d, \"asleep_ns\": %.0f, \"in_inference_ns\": %.0f}\n", threads,
              asleep, median_of(pool, threads, rounds));
}
