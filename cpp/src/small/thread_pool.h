// The threads that share the work of an operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/pool_lock.h"
#include "native/workers.h"

namespace hvit_edge::small {

/// A caller of run() works too: a pool of n threads has n - 1 workers. They wait for the next
/// operation without sleeping only while an inference runs, and for some microseconds at most.
class ThreadPool {
 public:
  /// Has as many threads as auto_threads() says, but starts them when they are needed.
  ThreadPool();
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const;

  /// Changes the number of threads. Returns false if the system has not that many, and keeps those
  /// that it had. Nothing may run meanwhile.
  bool resize(std::size_t threads);

  /// Calls `job(work, i)` for 0 <= i < count, in parallel; returns when all are done. Callers on
  /// several threads take turns.
  void run(std::int64_t count, native::Job job, const void* work);

  /// Between these calls, workers expect further operations.
  void begin_inference();
  void end_inference();

 private:
  struct State;
  void leave_parent();

  std::unique_ptr<State> state_;
};

/// Returns the pool of the process.
ThreadPool& process_pool();

class Inference {
 public:
  explicit Inference(ThreadPool& pool) : pool_(pool) { pool_.begin_inference(); }
  ~Inference() { pool_.end_inference(); }
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

 private:
  ThreadPool& pool_;
};

}  // namespace hvit_edge::small
