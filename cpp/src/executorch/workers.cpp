// ExecuTorch's thread pool, for the kernels and for set_threads().
#include "native/workers.h"

#include "engine/thread_pool.h"
#include "executorch/executorch_pool.h"
#include "executorch/runtime_log.h"

namespace hvit_edge {

namespace pool = executorch::extension::threadpool;

const void* current_thread_pool() {
  const RuntimeLog quiet;  // the first call logs how it counts the cores
  return pool::get_pthreadpool();
}

std::size_t pool_threads() {
  const RuntimeLog quiet;
  const pool::ThreadPool* threads = pool::get_threadpool();
  return threads == nullptr ? 1 : threads->get_thread_count();
}

namespace native {

int worker_count() {
  const auto* threads = pool::get_threadpool();
  return threads == nullptr ? 1 : static_cast<int>(threads->get_thread_count());
}

void share_out(std::int64_t count, Job job, const void* work) {
  auto* threads = pool::get_threadpool();
  if (count == 1 || threads == nullptr) {
    for (std::int64_t i = 0; i < count; ++i) job(work, i);
    return;
  }
  threads->run([job, work](std::size_t i) { job(work, static_cast<std::int64_t>(i)); },
               static_cast<std::size_t>(count));
}

}  // namespace native
}  // namespace hvit_edge
