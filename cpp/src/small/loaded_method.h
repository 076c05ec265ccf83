// A method whose operations are all inside native delegates, ready to run.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/session.h"
#include "native/aligned_memory.h"
#include "native/loaded_plan.h"
#include "small/container.h"

namespace hvit_edge::small {

class LoadedMethod {
 public:
  /// Prepares a method of `container`, which outlives it. check_model() has accepted the method.
  static Result<std::unique_ptr<LoadedMethod>> load(const Container& container,
                                                    const Method& method);

  /// Runs the method on inputs that check_inputs() has accepted; the views are valid until the next
  /// run. Replaces `times` by those of the operations if it is not null.
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs,
                                      std::vector<OperatorTime>* times);

 private:
  struct Call {
    native::LoadedPlan* plan = nullptr;
    std::vector<native::Argument> arguments;
  };

  Status plan_memory();
  Status load_plan(const Container& container, std::int32_t index);
  Status add_call(const Container& container, const Instruction& instruction);
  /// Returns the memory of the tensor with an index.
  Result<char*> memory_of(const Container& container, std::int32_t index);
  Result<char*> find_memory(const Container& container, const StoredTensor& tensor);

  const Method* method_ = nullptr;
  std::vector<native::AlignedMemory> planned_;
  std::uint64_t own_bytes_ = 0;
  std::vector<native::AlignedMemory> own_;  // of tensors that are not in planned memory
  std::map<std::int32_t, char*> memories_;  // by the index of the tensor
  std::map<std::int32_t, std::unique_ptr<native::LoadedPlan>> plans_;  // by that of the delegate
  std::vector<Call> calls_;
};

}  // namespace hvit_edge::small
