// ExecuTorch's thread pool, and the lock that keeps it from changing under a running inference.
#pragma once

#include <shared_mutex>

namespace hvit_edge {

/// Is held shared while a program loads or runs, and exclusively while the pool is replaced.
std::shared_mutex& thread_pool_lock();

/// Returns the identity of the current pool. A loaded XNNPACK program keeps this pointer, so it
/// must be loaded again after the pool was replaced.
const void* current_thread_pool();

}  // namespace hvit_edge
