// The lock of the thread pool, which does nothing in a process that cannot have threads.
#pragma once

// WebAssembly has threads only if it is compiled for them.
#if defined(__wasm__) && !defined(__EMSCRIPTEN_PTHREADS__) && !defined(_REENTRANT)
#define HVIT_EDGE_NO_THREADS 1
#else
#include <mutex>
#include <shared_mutex>
#endif

namespace hvit_edge {

#if defined(HVIT_EDGE_NO_THREADS)

struct PoolLock {};
struct SharedPool {
  explicit SharedPool(PoolLock&) {}
};
using OwnPool = SharedPool;

#else

using PoolLock = std::shared_mutex;
using SharedPool = std::shared_lock<PoolLock>;
using OwnPool = std::unique_lock<PoolLock>;

#endif

}  // namespace hvit_edge
