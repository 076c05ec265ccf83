// The clock of the small runtime, which can be replaced: a static program cannot interpose the one
// of the C library.
#include <cstdint>

#include "count_markers.h"
#include "numbered_clock.h"
#include "small/operator_clock.h"

namespace hvit_edge {
namespace {

thread_local std::int64_t next_number = 0;

std::uint64_t read_number() {
  constexpr std::uint64_t microsecond = 1000;  // nanoseconds
  hvit_edge_count_read();
  return static_cast<std::uint64_t>(next_number++) * microsecond;
}

}  // namespace

void number_clock_reads() {
  next_number = 0;
  set_operator_clock(read_number);
}

std::int64_t stop_numbering() {
  set_operator_clock(nullptr);
  return next_number;
}

}  // namespace hvit_edge
