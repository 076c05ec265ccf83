// Splits the work of an operation among the threads of the pool. Each build implements it.
#pragma once

#include <cstdint>

namespace hvit_edge::native {

using Job = void (*)(const void* work, std::int64_t index);

/// Returns the number of threads.
int worker_count();

/// Calls `job(work, i)` for 0 <= i < count, in parallel; returns when all are done.
void share_out(std::int64_t count, Job job, const void* work);

}  // namespace hvit_edge::native
