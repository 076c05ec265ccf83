#include "workers.h"

#include "executorch/executorch_pool.h"

namespace hvit_edge::native {

int worker_count() {
  const auto* pool = executorch::extension::threadpool::get_threadpool();
  return pool == nullptr ? 1 : static_cast<int>(pool->get_thread_count());
}

void share_out(std::int64_t count, Job job, const void* work) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  if (count == 1 || pool == nullptr) {
    for (std::int64_t i = 0; i < count; ++i) job(work, i);
    return;
  }
  pool->run([job, work](std::size_t i) { job(work, static_cast<std::int64_t>(i)); },
            static_cast<std::size_t>(count));
}

}  // namespace hvit_edge::native
