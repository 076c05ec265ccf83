#include "small/thread_pool.h"

#if defined(HVIT_EDGE_NO_THREADS)

namespace hvit_edge::small {

struct ThreadPool::State {};

ThreadPool::ThreadPool() = default;
ThreadPool::~ThreadPool() = default;

std::size_t ThreadPool::threads() const { return 1; }

bool ThreadPool::resize(std::size_t threads) { return threads == 1; }

void ThreadPool::run(std::int64_t count, native::Job job, const void* work) {
  for (std::int64_t i = 0; i < count; ++i) job(work, i);
}

void ThreadPool::begin_inference() {}
void ThreadPool::end_inference() {}

}  // namespace hvit_edge::small

#endif
