// The thread pool of the process, and the lock that keeps it from changing under a running
// inference. `threads.h` has what users call, `native/workers.h` what kernels call.
#pragma once

#include <cstddef>

#include "engine/pool_lock.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Is held shared while a program loads or runs, and exclusively while the pool is replaced.
PoolLock& thread_pool_lock();

// Each build implements the following.

/// Returns the identity of the current pool. A loaded XNNPACK program keeps this pointer, so it
/// must be loaded again after the pool was replaced.
const void* current_thread_pool();

/// Returns the number of threads of the current pool, at least 1.
std::size_t pool_threads();

/// Replaces the pool. Nothing may run on it meanwhile.
Status replace_pool(std::size_t threads);

}  // namespace hvit_edge
