// Declares the thread pool that ExecuTorch's wheel exports without a header. `set_thread_num` of
// the public headers has no effect.
#pragma once

#include <executorch/runtime/core/function_ref.h>

#include <cstddef>
#include <cstdint>

struct pthreadpool;

namespace executorch::extension::threadpool {

class ThreadPool {
 public:
  std::size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(std::uint32_t count);
  void run(runtime::FunctionRef<void(std::size_t)> job, std::size_t count);
};

ThreadPool* get_threadpool();
::pthreadpool* get_pthreadpool();

}  // namespace executorch::extension::threadpool
