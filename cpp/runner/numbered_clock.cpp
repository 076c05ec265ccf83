#include "numbered_clock.h"

#include <string>

#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::int64_t kMicrosecond = 1000;  // nanoseconds; XNNPACK rounds to this

}  // namespace

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
