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

/// A method that runs the model, as the program describes it.
struct Entry {
  std::string name;  ///< in the program
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::size_t planned_memory_bytes = 0;
};

/// An ExecuTorch program in bytes that check_seal() has accepted. The bytes outlive it.
class Program {
 public:
  static Result<Program> open(const void* data, std::size_t size);

  bool has_method(const std::string& name) const;

  /// Runs a constant method and keeps its values alive until release().
  Result<std::vector<executorch::runtime::EValue>> constant(const std::string& name);
  void release(const std::string& name);

  /// Makes runs measure every operator, from the next loading of the model on.
  void time_operators() { events_ = std::make_unique<OperatorEvents>(); }
  /// Those of the last run; none if they are not timed.
  const std::vector<OperatorTime>& operators() const;

  /// Describes another method that runs the model. The first one is `forward`, which is selected.
  Status add_entry(const std::string& name);
  /// The entries in the order in which they were added. They do not move or change any more after
  /// the last one was added and named.
  const std::vector<Entry>& entries() const { return entries_; }
  /// Selects the entry that the following members mean.
  void select(std::size_t index) { selected_ = index; }

  /// Loads the selected entry, and loads it again if the thread pool has been replaced. Another
  /// entry that was loaded is unloaded first. Call it with thread_pool_lock() held shared.
  Status prepare();

  const std::vector<TensorSpec>& inputs() const { return entries_[selected_].inputs; }
  const std::vector<TensorSpec>& outputs() const { return entries_[selected_].outputs; }
  /// For callers that know the names of tensors.
  std::vector<TensorSpec>& inputs() { return entries_[selected_].inputs; }
  std::vector<TensorSpec>& outputs() { return entries_[selected_].outputs; }

  /// Runs the selected entry; the views are valid until the next run.
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs);

 private:
  Status check_backends(const std::string& entry);
  Status load(const std::string& entry);

  std::unique_ptr<OperatorEvents> events_;  // outlives the method that reports to it
  std::unique_ptr<executorch::extension::Module> module_;
  std::vector<std::string> methods_;
  std::vector<Entry> entries_;
  std::size_t selected_ = 0;
  std::string loaded_;  // the name of the entry that is loaded; empty if none is
  const void* loaded_for_pool_ = nullptr;
};

/// Returns the contents of a tensor value; `data` belongs to the method that returned it.
TensorView view_of(const executorch::runtime::EValue& value);

}  // namespace hvit_edge
