#include "workers.h"

#include "../executorch_pool.h"

namespace hvit_edge::native {
namespace {

struct Call {
  Job job;
  const void* work;
};

void run_one(void* context, std::size_t index) {
  const auto* call = static_cast<const Call*>(context);
  call->job(call->work, static_cast<std::int64_t>(index));
}

}  // namespace

int worker_count() {
  const auto* pool = executorch::extension::threadpool::get_threadpool();
  return pool == nullptr ? 1 : static_cast<int>(pool->get_thread_count());
}

void share_out(std::int64_t count, Job job, const void* work) {
  Call call{job, work};
  pthreadpool_parallelize_1d(executorch::extension::threadpool::get_pthreadpool(), run_one, &call,
                             static_cast<std::size_t>(count), 0);
}

}  // namespace hvit_edge::native
