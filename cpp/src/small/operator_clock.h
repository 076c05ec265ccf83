// The clock that measures the operations of timed runs.
#pragma once

#include <cstdint>

namespace hvit_edge {

using OperatorClock = std::uint64_t (*)();

/// Makes timed runs read another clock, in nanoseconds; null selects the system's again. A run
/// reads it once at its start, once before its first operation, and once after each.
void set_operator_clock(OperatorClock clock);

/// Returns the clock in use.
OperatorClock operator_clock();

}  // namespace hvit_edge
