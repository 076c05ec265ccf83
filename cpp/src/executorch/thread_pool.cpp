#include "executorch/thread_pool.h"

#include <cstddef>
#include <mutex>

#include "executorch/cpu_count.h"
#include "executorch/executorch_pool.h"
#include "executorch/replace_pool.h"
#include "executorch/runtime_log.h"
#include "hvit_edge/threads.h"
#include "text.h"

namespace hvit_edge {
namespace {

namespace pool = executorch::extension::threadpool;
constexpr int kMaxThreads = 1024;

}  // namespace

std::shared_mutex& thread_pool_lock() {
  static std::shared_mutex lock;
  return lock;
}

const void* current_thread_pool() {
  const RuntimeLog quiet;  // the first call logs how it counts the cores
  return pool::get_pthreadpool();
}

Status set_threads(int count) {
  if (count < 0 || count > kMaxThreads) {
    return Status(StatusCode::invalid_argument,
                  concat("[set_threads] expected 0 (auto) to ", kMaxThreads, " threads, got ",
                         count, "; give the number of cores to use"));
  }
  const auto wanted = static_cast<std::size_t>(count == 0 ? auto_threads() : count);
  const RuntimeLog quiet;
  const std::unique_lock<std::shared_mutex> nobody_runs(thread_pool_lock());
  return replace_pool(wanted);
}

int threads() {
  const RuntimeLog quiet;
  const std::shared_lock<std::shared_mutex> nobody_resets(thread_pool_lock());
  const pool::ThreadPool* threads = pool::get_threadpool();
  return threads == nullptr ? 1 : static_cast<int>(threads->get_thread_count());
}

int auto_threads() {
  static const int count = count_fast_cores();
  return count;
}

}  // namespace hvit_edge
