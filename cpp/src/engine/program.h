// The program of a Session: the methods that run the model, and the constants of its metadata.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace hvit_edge {

/// A method that runs the model, as the program describes it.
struct Entry {
  std::string name;  ///< in the program
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::size_t planned_memory_bytes = 0;
};

/// A program in bytes that check_seal() has accepted. The bytes outlive it.
class Program {
 public:
  static Result<Program> open(const void* data, std::size_t size);

  bool has_method(const std::string& name) const;

  /// Returns the values of a constant method, which stay alive until release().
  Result<std::vector<Constant>> constant(const std::string& name);
  void release(const std::string& name) { engine_->release(name); }

  /// Makes runs measure every operator, from the next loading of the model on.
  void time_operators() { engine_->time_operators(); }
  /// Those of the last run; none if they are not timed.
  const std::vector<OperatorTime>& operators() const { return engine_->operators(); }

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
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs) {
    return engine_->run(entries_[selected_].name, inputs);
  }

 private:
  Status check_backends(const std::string& entry);

  std::unique_ptr<Engine> engine_;
  std::vector<Entry> entries_;
  std::size_t selected_ = 0;
  std::string loaded_;  // the name of the entry that is loaded; empty if none is
  const void* loaded_for_pool_ = nullptr;
};

/// Returns the tensor of a constant that FieldReader has checked; no data if it is none.
TensorView view_of(const Constant& constant);

}  // namespace hvit_edge
