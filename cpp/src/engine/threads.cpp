#include "hvit_edge/threads.h"

#include <cstddef>

#include "engine/cpu_count.h"
#include "engine/thread_pool.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMaxThreads = 1024;

}  // namespace

PoolLock& thread_pool_lock() {
  static PoolLock lock;
  return lock;
}

Status set_threads(int count) {
  if (count < 0 || count > kMaxThreads) {
    return Status(StatusCode::invalid_argument,
                  concat("[set_threads] expected 0 (auto) to ", kMaxThreads, " threads, got ",
                         count, "; give the number of cores to use"));
  }
  const auto wanted = static_cast<std::size_t>(count == 0 ? auto_threads() : count);
  const OwnPool nobody_runs(thread_pool_lock());
  return replace_pool(wanted);
}

int threads() {
  const SharedPool nobody_resets(thread_pool_lock());
  return static_cast<int>(pool_threads());
}

int auto_threads() {
  static const int count = count_fast_cores();
  return count;
}

}  // namespace hvit_edge
