// Receives the times of operators in each run: those of delegates, and those outside them.
#pragma once

#include <executorch/runtime/core/event_tracer.h>

#include <vector>

#include "hvit_edge/session.h"

namespace hvit_edge {

/// Keeps the operators of the last run in their order, and nothing else that an ExecuTorch method
/// reports. XNNPACK measures with the system's clock between operators, in microseconds rounded
/// down, and reports after the complete run of a delegate. An operator outside the delegates is
/// measured here; ExecuTorch gives the place of its instruction, but not its name. Ticks of
/// ExecuTorch become nanoseconds.
class OperatorEvents final : public executorch::runtime::EventTracer {
 public:
  const std::vector<OperatorTime>& operators() const { return operators_; }
  void clear() { operators_.clear(); }

  void log_profiling_delegate(const char* name,
                              executorch::runtime::DelegateDebugIntId delegate_debug_index,
                              et_timestamp_t start_time, et_timestamp_t end_time,
                              const void* metadata, std::size_t metadata_len) override;

  // Only calls of kernels are kept; methods and delegates are reported in the same way.
  executorch::runtime::EventTracerEntry start_profiling(
      const char* name, executorch::runtime::ChainID chain_id,
      executorch::runtime::DebugHandle debug_handle) override;
  void end_profiling(executorch::runtime::EventTracerEntry entry) override;

  // The following events are reported too, but not kept.
  void create_event_block(const char* name) override;
  executorch::runtime::EventTracerEntry start_profiling_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index) override;
  void end_profiling_delegate(executorch::runtime::EventTracerEntry entry, const void* metadata,
                              std::size_t metadata_len) override;
  void track_allocation(executorch::runtime::AllocatorID id, std::size_t size) override;
  executorch::runtime::AllocatorID track_allocator(const char* name) override;
  executorch::runtime::Result<bool> log_evalue(const executorch::runtime::EValue& value,
                                               executorch::runtime::LoggedEValueType type) override;
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index,
      const executorch::aten::Tensor& output) override;
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index,
      const executorch::runtime::ArrayRef<executorch::aten::Tensor> output) override;
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index,
      const int& output) override;
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index,
      const bool& output) override;
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId delegate_debug_index,
      const double& output) override;
  void set_delegation_intermediate_output_filter(
      executorch::runtime::EventTracerFilterBase* filter) override;

 private:
  std::vector<OperatorTime> operators_;
};

}  // namespace hvit_edge
