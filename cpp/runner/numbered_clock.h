// Tells which reads of the clock lie around an operator of XNNPACK.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// XNNPACK reads the clock behind each operator. From here on the clock gives this thread the
/// number of the read instead of the time, as that many microseconds: an operator's times then are
/// the numbers of the reads around it, and hvit_edge_count_read() marks each for a counter of
/// instructions. The library's own numbering stays: some operators take several reads.
///
/// Interposing the clock rather than having QEMU's plugin watch the system call: from version 8.2
/// on QEMU gives an aarch64 guest a vDSO, so that reading the clock is no system call any more.
void number_clock_reads();

/// Gives the time again. Returns how many reads were numbered; 0 where the clock cannot be
/// interposed, which takes an ELF system.
std::int64_t stop_numbering();

/// The reads that an operator lies between, as their numbers.
struct OperatorReads {
  std::string name;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// From what a Session tells of a run with numbered reads. Refuses where `reads` is not what
/// XNNPACK and its profiler take: another one would shift the operators.
Result<std::vector<OperatorReads>> reads_of(const std::vector<OperatorTime>& operators,
                                            std::int64_t reads);

}  // namespace hvit_edge
