// A plan that is ready to run, with its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aligned_memory.h"
#include "arguments.h"
#include "operators.h"
#include "read_plan.h"

namespace hvit_edge::native {

/// The ticks of a clock around each operation of a run.
struct Ticks {
  std::uint64_t (*now)() = nullptr;
  std::vector<std::uint64_t> reads{};  ///< one before the first operation, one after each
};

enum class RunOutcome { done, wrong_arguments, no_memory };

class LoadedPlan {
 public:
  /// Reads a plan. The data and `shared` outlive it. Refuses by StatusCode::out_of_memory if there
  /// is no memory for it.
  static Result<std::unique_ptr<LoadedPlan>> load(const void* data, std::size_t size,
                                                  SharedConstants shared);

  /// Runs the plan on its inputs, followed by its outputs, with the clock of `ticks` if it is not
  /// null. One run at a time.
  RunOutcome run(const std::vector<Argument>& arguments, Ticks* ticks);

  /// Returns the names of the operations, each followed by the module that it computes.
  const std::vector<std::string>& names() const { return plan_.names; }

 private:
  bool allocate_copies();
  void run_operations(const Bases& bases, Ticks* ticks) const;
  std::int64_t count_of(std::size_t bytes) const;

  Plan plan_;
  AlignedMemory arena_;
  AlignedMemory int8_weights_;    // copies, if the instruction set has another packing
  AlignedMemory input_, output_;  // copies of the arguments, if they are needed
  RunOperation run_ = nullptr;
};

}  // namespace hvit_edge::native
