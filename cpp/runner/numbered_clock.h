// Finds which reads of the clock are around each operator.
#pragma once

#include <cstdint>
#include <vector>

#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Makes the clock return numbers. XNNPACK reads the clock after each operator. After this call,
/// the clock gives this thread the number of the read instead of the time, in microseconds. An
/// operator's times are then the numbers of the reads around it, and hvit_edge_count_read() marks
/// each read for a counter of instructions. The library numbers its operators as before, because
/// some operators take several reads.
///
/// The clock is interposed instead of watching the system call in QEMU's plugin, because QEMU 8.2
/// and newer give an aarch64 guest a vDSO: reading the clock is no system call any more. The small
/// runtime has a clock of its own for operators, which is replaced.
void number_clock_reads();

/// Makes the clock return the time again. Returns how many reads were numbered; 0 if the clock
/// cannot be interposed, which for the full runtime requires an ELF system.
std::int64_t stop_numbering();

/// The numbers of the reads before and after an operator.
struct OperatorReads {
  std::string name;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// Returns the reads of each operator of a run with numbered reads. Refuses if `reads` is not the
/// number that XNNPACK and its profiler need: another number would shift the operators.
Result<std::vector<OperatorReads>> reads_of(const std::vector<OperatorTime>& operators,
                                            std::int64_t reads);

}  // namespace hvit_edge
