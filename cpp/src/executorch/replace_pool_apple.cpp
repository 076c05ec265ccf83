// Apple's wheel does not export pthreadpool_create, so the pool is reset, which frees the old one.
// A program that ExecuTorch's own runtime has loaded into the same process must then be loaded
// again.
#if defined(__APPLE__)

#include <cstdint>

#include "engine/thread_pool.h"
#include "executorch/executorch_pool.h"
#include "executorch/runtime_log.h"

namespace hvit_edge {

Status replace_pool(std::size_t threads) {
  const RuntimeLog quiet;
  auto* current = executorch::extension::threadpool::get_threadpool();
  if (current == nullptr) {
    return Status(StatusCode::internal,
                  "[set_threads] expected ExecuTorch 1.5's thread pool, got none; install "
                  "executorch==1.5.1");
  }
  if (current->get_thread_count() == threads) return Status();
  if (current->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads))) return Status();
  return Status(StatusCode::out_of_memory,
                "[set_threads] expected a pool of that many threads, got none; ask for fewer");
}

}  // namespace hvit_edge

#endif
