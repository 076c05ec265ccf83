#include "small/operator_clock.h"

#include <atomic>
#include <chrono>

namespace hvit_edge {
namespace {

std::uint64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::atomic<OperatorClock> current{nanoseconds};

}  // namespace

void set_operator_clock(OperatorClock clock) { current = clock != nullptr ? clock : nanoseconds; }

OperatorClock operator_clock() { return current; }

}  // namespace hvit_edge
