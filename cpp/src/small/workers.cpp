// The thread pool of the small runtime, for the kernels and for set_threads().
#include "native/workers.h"

#include "engine/thread_pool.h"
#include "small/thread_pool.h"
#include "text.h"

namespace hvit_edge {
// Is never destroyed, because code that still runs while the process ends may use it.
small::ThreadPool& small::process_pool() {
  static auto& pool = *new ThreadPool();
  return pool;
}

using small::process_pool;

// Nothing keeps a pointer to the pool: it stays the same.
const void* current_thread_pool() { return &process_pool(); }

std::size_t pool_threads() { return process_pool().threads(); }

Status replace_pool(std::size_t threads) {
  if (process_pool().resize(threads)) return Status();
  return Status(StatusCode::out_of_memory,
                concat("[set_threads] expected ", threads, " threads, got ",
                       process_pool().threads(), "; ask for fewer"));
}

namespace native {

int worker_count() { return static_cast<int>(process_pool().threads()); }

void share_out(std::int64_t count, Job job, const void* work) {
  process_pool().run(count, job, work);
}

}  // namespace native
}  // namespace hvit_edge
