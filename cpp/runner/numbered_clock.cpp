#include "numbered_clock.h"

#include <atomic>
#include <string>

#include "count_markers.h"
#include "text.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <time.h>
#endif

namespace hvit_edge {
namespace {

constexpr std::int64_t kNoNumbers = -1;
constexpr std::int64_t kMicrosecond = 1000;  // nanoseconds; XNNPACK rounds to this

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

// A delegate's profiler reads the clock first, again before the first operator, and then after each
// operator. XNNPACK reports the very first read as the start of the first operator, and later reads
// as one less. For an operator outside the delegates, the clock is read before and after it.
Result<std::vector<OperatorReads>> reads_of(const std::vector<OperatorTime>& operators,
                                            std::int64_t reads) {
  std::vector<OperatorReads> found;
  std::int64_t read = -1;     // the last one so far
  std::int64_t reported = 0;  // the end of the operator before
  bool after_delegate = false;
  bool regular = true;
  for (const OperatorTime& each : operators) {
    const bool outside = each.name.rfind(kInstruction, 0) == 0;
    const std::int64_t gap = (each.start_ns - reported) / kMicrosecond;
    const bool same_delegate = after_delegate && !outside && gap == 0;
    const bool next_delegate = after_delegate && !outside && gap == 2;
    const bool border = !after_delegate || outside;  // an operator outside is before or after
    regular = regular && (found.empty() || same_delegate || next_delegate ||
                          (border && (gap == 1 || gap == 2)));
    const std::int64_t first = same_delegate ? read : read + (outside ? 1 : 2);
    read = first + (each.end_ns - each.start_ns) / kMicrosecond;
    regular = regular && read > first;
    found.push_back({each.name, first, read});
    reported = each.end_ns;
    after_delegate = !outside;
  }
  if (regular && !found.empty() && reads == read + 1) return found;
  return Status(StatusCode::internal,
                concat("[count] expected ", read + 1, " reads of the clock around ",
                       operators.size(), " operators, got ", reads,
                       "; count on Linux with the ExecuTorch that hvit-edge pins"));
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
  if (next_number == kNoNumbers) return find_and_read(clock, time);  // another thread
  const std::int64_t number = next_number++;
  hvit_edge_count_read();
  time->tv_sec = static_cast<time_t>(number / per_second);
  time->tv_nsec = static_cast<long>(number % per_second * kMicrosecond);
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
