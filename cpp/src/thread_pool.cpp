#include "thread_pool.h"

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "cpu_count.h"
#include "hvit_edge/threads.h"
#include "runtime_log.h"
#include "text.h"

// The wheel exports these functions but ships no header for them. `set_thread_num` of the public
// headers has no effect.
struct pthreadpool;
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  std::size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(std::uint32_t count);
};
ThreadPool* get_threadpool();
::pthreadpool* get_pthreadpool();
}  // namespace executorch::extension::threadpool

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
  const RuntimeLog quiet;  // the first call logs how it counted the cores
  return pool::get_pthreadpool();
}

Status set_threads(int count) {
  if (count < 0 || count > kMaxThreads) {
    return Status(StatusCode::invalid_argument,
                  concat("[set_threads] expected 0 (auto) to ", kMaxThreads, " threads, got ",
                         count, "; give the number of cores to use"));
  }
  const auto wanted = static_cast<std::uint32_t>(count == 0 ? auto_threads() : count);
  const RuntimeLog quiet;
  const std::unique_lock<std::shared_mutex> nobody_runs(thread_pool_lock());
  pool::ThreadPool* threads = pool::get_threadpool();
  if (threads == nullptr) {
    return Status(
        StatusCode::internal,
        "[set_threads] expected ExecuTorch's thread pool, got none; reinstall executorch");
  }
  if (threads->get_thread_count() == wanted) return Status();
  if (!threads->_unsafe_reset_threadpool(wanted)) {
    return Status(StatusCode::out_of_memory,
                  concat("[set_threads] expected ", wanted, " threads, got none; ask for fewer"));
  }
  return Status();
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
