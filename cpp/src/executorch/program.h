// The ExecuTorch side of a Session: a verified program, its methods and explanations of their
// errors.
#pragma once

#include <executorch/extension/module/module.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "executorch/operator_events.h"
#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// An ExecuTorch program in bytes that check_seal() has accepted. The bytes outlive it.
class Program {
 public:
  static Result<Program> open(const void* data, std::size_t size);

  bool has_method(const std::string& name) const;

  /// Runs a constant method and keeps its values alive until release().
  Result<std::vector<executorch::runtime::EValue>> constant(const std::string& name);
  void release(const std::string& name);

  /// Makes runs measure every operator, from the next loading of `forward` on.
  void time_operators() { events_ = std::make_unique<OperatorEvents>(); }
  /// Those of the last run; none if they are not timed.
  const std::vector<OperatorTime>& operators() const;

  /// Loads `forward`, and loads it again if the thread pool has been replaced. Call it with
  /// thread_pool_lock() held shared.
  Status prepare_forward();

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }
  /// For callers that know the names of tensors.
  std::vector<TensorSpec>& inputs() { return inputs_; }
  std::vector<TensorSpec>& outputs() { return outputs_; }
  std::size_t planned_memory_bytes() const { return planned_memory_bytes_; }

  /// Runs `forward`; the views are valid until the next run.
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs);

 private:
  Status read_specs();
  Status check_backends();

  std::unique_ptr<OperatorEvents> events_;  // outlives the method that reports to it
  std::unique_ptr<executorch::extension::Module> module_;
  std::vector<std::string> methods_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  std::size_t planned_memory_bytes_ = 0;
  const void* loaded_for_pool_ = nullptr;
};

/// Returns the contents of a tensor value; `data` belongs to the method that returned it.
TensorView view_of(const executorch::runtime::EValue& value);

}  // namespace hvit_edge
