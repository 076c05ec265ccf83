#include "thread_pool.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

#include "cpu_count.h"
#include "hvit_edge/threads.h"
#include "runtime_log.h"
#include "text.h"

// The wheel exports these functions but ships no header for them. `set_thread_num` of the public
// headers has no effect.
struct pthreadpool;
extern "C" pthreadpool* pthreadpool_create(std::size_t count);
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  std::size_t get_thread_count() const;
};
ThreadPool* get_threadpool();
::pthreadpool* get_pthreadpool();
}  // namespace executorch::extension::threadpool

namespace hvit_edge {
namespace {

namespace pool = executorch::extension::threadpool;
constexpr int kMaxThreads = 1024;

// What a ThreadPool holds. `_unsafe_reset_threadpool` would free the pool, and with it what every
// program that ExecuTorch's own runtime has loaded goes on using; so the pool is exchanged here.
struct Holder {
  std::mutex mutex;
  void (*free)(pthreadpool*);
  pthreadpool* pool;
  std::size_t count;
};

// The process's ThreadPool, or null where it is not laid out as expected.
Holder* current_holder() {
  pool::ThreadPool* threads = pool::get_threadpool();
  if (threads == nullptr) return nullptr;
  auto* holder = reinterpret_cast<Holder*>(threads);
  const bool as_expected =
      holder->pool == pool::get_pthreadpool() && holder->count == threads->get_thread_count();
  return as_expected ? holder : nullptr;
}

// A pool of `count` threads. Pools are kept for the life of the process, one for each count.
pthreadpool* pool_of(std::size_t count, const Holder& current) {
  static std::map<std::size_t, pthreadpool*> pools;
  static pthreadpool* installed = nullptr;
  if (installed != nullptr && installed != current.pool) {
    // Somebody else has reset the pool, which freed ours.
    for (auto it = pools.begin(); it != pools.end();) {
      it = it->second == installed ? pools.erase(it) : std::next(it);
    }
  }
  pools[current.count] = current.pool;
  pthreadpool*& wanted = pools[count];
  if (wanted == nullptr) wanted = pthreadpool_create(count);
  installed = wanted == nullptr ? current.pool : wanted;
  return wanted;
}

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
  const auto wanted = static_cast<std::size_t>(count == 0 ? auto_threads() : count);
  const RuntimeLog quiet;
  const std::unique_lock<std::shared_mutex> nobody_runs(thread_pool_lock());
  Holder* holder = current_holder();
  if (holder == nullptr) {
    return Status(StatusCode::internal,
                  "[set_threads] expected ExecuTorch 1.5's thread pool, got another or none; "
                  "install executorch==1.5.1");
  }
  if (holder->count == wanted) return Status();
  pthreadpool* replacement = pool_of(wanted, *holder);
  if (replacement == nullptr) {
    return Status(StatusCode::out_of_memory,
                  concat("[set_threads] expected ", wanted, " threads, got none; ask for fewer"));
  }
  const std::lock_guard<std::mutex> exchange(holder->mutex);
  holder->pool = replacement;
  holder->count = wanted;
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
