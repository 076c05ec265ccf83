// The clock of the C library, which ExecuTorch and XNNPACK read.
#include <atomic>

#include "count_markers.h"
#include "numbered_clock.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <time.h>
#endif

namespace hvit_edge {
namespace {

constexpr std::int64_t kNoNumbers = -1;

std::atomic<bool> numbering{false};
thread_local std::int64_t next_number = kNoNumbers;

}  // namespace

void number_clock_reads() {
  next_number = 0;
  numbering = true;
}

std::int64_t stop_numbering() {
  const std::int64_t reads = next_number;
  numbering = false;
  next_number = kNoNumbers;
  return reads;
}

}  // namespace hvit_edge

#if defined(__linux__)

namespace hvit_edge {
namespace {

using Clock = int (*)(clockid_t, timespec*);
std::atomic<Clock> real_clock{nullptr};

__attribute__((noinline)) int find_and_read(clockid_t clock, timespec* time) {
  real_clock = reinterpret_cast<Clock>(dlsym(RTLD_NEXT, "clock_gettime"));
  return real_clock.load()(clock, time);
}

__attribute__((noinline)) int read_number(clockid_t clock, timespec* time) {
  constexpr std::int64_t per_second = 1000000;
  constexpr std::int64_t microsecond = 1000;                         // nanoseconds
  if (next_number == kNoNumbers) return find_and_read(clock, time);  // another thread
  const std::int64_t number = next_number++;
  hvit_edge_count_read();
  time->tv_sec = static_cast<time_t>(number / per_second);
  time->tv_nsec = static_cast<long>(number % per_second * microsecond);
  return 0;
}

}  // namespace
}  // namespace hvit_edge

// Takes precedence over the C library's function for every library of the process. XNNPACK reads
// the clock even if no times were requested; cpp/qemu/count_instructions.c excludes this function
// from its counts.
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                                    timespec* time) noexcept {
  if (hvit_edge::numbering.load(std::memory_order_relaxed)) {
    return hvit_edge::read_number(clock, time);
  }
  const auto real = hvit_edge::real_clock.load(std::memory_order_relaxed);
  return real != nullptr ? real(clock, time) : hvit_edge::find_and_read(clock, time);
}

#endif
