#include "executorch/operator_events.h"

#include <executorch/runtime/platform/platform.h>

#include <cstring>

namespace hvit_edge {

using executorch::runtime::AllocatorID;
using executorch::runtime::ChainID;
using executorch::runtime::DebugHandle;
using executorch::runtime::DelegateDebugIntId;
using executorch::runtime::EventTracerEntry;

namespace {

using Flag = executorch::runtime::Result<bool>;

constexpr char kKernelCall[] = "OPERATOR_CALL";  // ExecuTorch's name of the event
constexpr std::int64_t kIgnored = 0;
constexpr std::int64_t kKept = 1;

std::int64_t nanoseconds(et_timestamp_t ticks) {
  const et_tick_ratio_t ratio = executorch::runtime::pal_ticks_to_ns_multiplier();
  return static_cast<std::int64_t>(ticks * ratio.numerator / ratio.denominator);
}

}  // namespace

// A delegate that numbers its operators gives no name.
void OperatorEvents::log_profiling_delegate(const char* name, DelegateDebugIntId index,
                                            et_timestamp_t start_time, et_timestamp_t end_time,
                                            const void*, std::size_t) {
  operators_.push_back({name != nullptr ? std::string(name) : "#" + std::to_string(index),
                        nanoseconds(start_time), nanoseconds(end_time)});
}

void OperatorEvents::create_event_block(const char*) {}

EventTracerEntry OperatorEvents::start_profiling(const char* name, ChainID, DebugHandle) {
  EventTracerEntry entry = {};
  entry.event_id = kIgnored;
  if (name == nullptr || std::strcmp(name, kKernelCall) != 0) return entry;
  entry.event_id = kKept;
  entry.debug_handle = current_debug_handle();  // the place of the instruction
  entry.start_time = executorch::runtime::pal_current_ticks();
  return entry;
}

void OperatorEvents::end_profiling(EventTracerEntry entry) {
  if (entry.event_id != kKept) return;
  const et_timestamp_t end = executorch::runtime::pal_current_ticks();
  operators_.push_back({kInstruction + std::to_string(entry.debug_handle),
                        nanoseconds(entry.start_time), nanoseconds(end)});
}

EventTracerEntry OperatorEvents::start_profiling_delegate(const char*, DelegateDebugIntId) {
  return {};
}

void OperatorEvents::end_profiling_delegate(EventTracerEntry, const void*, std::size_t) {}

void OperatorEvents::track_allocation(AllocatorID, std::size_t) {}

AllocatorID OperatorEvents::track_allocator(const char*) { return 0; }

Flag OperatorEvents::log_evalue(const executorch::runtime::EValue&,
                                executorch::runtime::LoggedEValueType) {
  return false;
}

Flag OperatorEvents::log_intermediate_output_delegate(const char*, DelegateDebugIntId,
                                                      const executorch::aten::Tensor&) {
  return false;
}

Flag OperatorEvents::log_intermediate_output_delegate(
    const char*, DelegateDebugIntId,
    const executorch::runtime::ArrayRef<executorch::aten::Tensor>) {
  return false;
}

Flag OperatorEvents::log_intermediate_output_delegate(const char*, DelegateDebugIntId, const int&) {
  return false;
}

Flag OperatorEvents::log_intermediate_output_delegate(const char*, DelegateDebugIntId,
                                                      const bool&) {
  return false;
}

Flag OperatorEvents::log_intermediate_output_delegate(const char*, DelegateDebugIntId,
                                                      const double&) {
  return false;
}

void OperatorEvents::set_delegation_intermediate_output_filter(
    executorch::runtime::EventTracerFilterBase*) {}

}  // namespace hvit_edge
