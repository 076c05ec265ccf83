// ExecuTorch's thread pool, and the lock that keeps it from changing under a running inference.
#pragma once

#include <shared_mutex>

namespace hvit_edge {

/// Held shared while a program loads or runs, exclusively while the pool is replaced.
std::shared_mutex& thread_pool_lock();

/// Identity of the current pool. A loaded XNNPACK program keeps this pointer for good, so that it
/// must be loaded anew once the pool is another one.
const void* current_thread_pool();

}  // namespace hvit_edge
