// A program that was loaded before keeps the old pool until it is prepared again.
#if !defined(__APPLE__)

#include <iterator>
#include <map>
#include <mutex>

#include "engine/thread_pool.h"
#include "executorch/executorch_pool.h"
#include "executorch/runtime_log.h"
#include "text.h"

extern "C" pthreadpool* pthreadpool_create(std::size_t count);

namespace hvit_edge {
namespace {

namespace pool = executorch::extension::threadpool;

// The contents of a ThreadPool. `_unsafe_reset_threadpool` would free the pool, which every program
// that was loaded by ExecuTorch's own runtime still uses. So the pool is exchanged here.
struct Holder {
  std::mutex mutex;
  void (*free)(pthreadpool*);
  pthreadpool* pool;
  std::size_t count;
};

// The process's ThreadPool, or null if it is not laid out as expected.
Holder* current_holder() {
  pool::ThreadPool* threads = pool::get_threadpool();
  if (threads == nullptr) return nullptr;
  auto* holder = reinterpret_cast<Holder*>(threads);
  const bool as_expected =
      holder->pool == pool::get_pthreadpool() && holder->count == threads->get_thread_count();
  return as_expected ? holder : nullptr;
}

// Returns a pool of `count` threads. Pools are kept until the process ends, one for each count, and
// so is the map, because code that still runs while the process ends may ask for one.
pthreadpool* pool_of(std::size_t count, const Holder& current) {
  static auto& pools = *new std::map<std::size_t, pthreadpool*>();
  static pthreadpool* installed = nullptr;
  if (installed != nullptr && installed != current.pool) {
    // Someone else has reset the pool, which freed ours.
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

Status replace_pool(std::size_t wanted) {
  const RuntimeLog quiet;
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

}  // namespace hvit_edge

#endif
