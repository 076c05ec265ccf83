#include "small/loaded_method.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "guard.h"
#include "small/operator_clock.h"
#include "small/stored_tensor.h"
#include "small/thread_pool.h"
#include "text.h"

namespace hvit_edge::small {
namespace {

// Programs of ours plan the memory of every tensor; a small file must not take much more.
constexpr std::uint64_t kMostOwnBytes = std::uint64_t{1} << 28;

Status refuse(const std::string& expected, const std::string& got) {
  return Status(StatusCode::invalid_artifact,
                concat("[Session.load] expected ", expected, ", got ", got,
                       "; compile the model again with hvit-edge"));
}

// Names every operator that is not inside a delegate, each once.
Status refuse_outside(const Method& method) {
  std::vector<std::string> names;
  for (const Instruction& one : method.instructions) {
    if (one.callee == Callee::delegate) continue;
    const auto index = static_cast<std::size_t>(one.index);
    const bool named = one.callee == Callee::kernel && index < method.operators.size();
    std::string name = named ? method.operators[index] : "control flow";
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  if (names.empty()) return Status();
  return Status(StatusCode::missing_backend,
                concat("[Session.load] expected no operator outside the native delegate, got ",
                       join(names, ", "),
                       "; compile the model for the target native, or link the full runtime"));
}

native::SharedConstants shared_constants(const Container& container) {
  const auto found = container.named.find(native::kSharedConstants);
  if (found == container.named.end()) return {};
  return {found->second.data, found->second.size};
}

Status refuse_run(native::RunOutcome outcome) {
  if (outcome == native::RunOutcome::no_memory) return no_memory("Session.run");
  return Status(StatusCode::execution_failed,
                "[Session.run] expected tensors that fit the plan, got others; compile the model "
                "again with hvit-edge");
}

void add_times(const native::LoadedPlan& plan, const native::Ticks& ticks,
               std::vector<OperatorTime>& times) {
  for (std::size_t i = 0; i + 1 < ticks.reads.size(); ++i) {
    times.push_back({plan.names()[i], static_cast<std::int64_t>(ticks.reads[i]),
                     static_cast<std::int64_t>(ticks.reads[i + 1])});
  }
}

}  // namespace

Result<std::unique_ptr<LoadedMethod>> LoadedMethod::load(const Container& container,
                                                         const Method& method) {
  if (Status status = refuse_outside(method); !status.ok()) return status;
  auto loaded = std::make_unique<LoadedMethod>();
  loaded->method_ = &method;
  if (Status status = loaded->plan_memory(); !status.ok()) return status;
  for (const Instruction& instruction : method.instructions) {
    if (Status status = loaded->add_call(container, instruction); !status.ok()) return status;
  }
  for (const auto* side : {&method.inputs, &method.outputs}) {
    for (const std::int32_t index : *side) {
      const Result<char*> memory = loaded->memory_of(container, index);
      if (!memory.ok()) return memory.status();
    }
  }
  return loaded;
}

Status LoadedMethod::plan_memory() {
  for (const std::int64_t bytes : method_->planned) {
    const auto size = static_cast<std::size_t>(bytes);
    planned_.push_back(native::allocate_aligned(size));
    if (planned_.back() == nullptr) return no_memory("Session.load");
    std::memset(planned_.back().get(), 0, size);
  }
  return Status();
}

Status LoadedMethod::load_plan(const Container& container, std::int32_t index) {
  const auto place = static_cast<std::size_t>(index);
  if (index < 0 || place >= method_->delegates.size()) {
    return refuse("the number of a delegate", concat(index));
  }
  const Bytes data = method_->delegates[place].data;
  auto plan = native::LoadedPlan::load(data.data, data.size, shared_constants(container));
  if (!plan.ok()) return plan.status();
  plans_[index] = std::move(plan).value();
  return Status();
}

Status LoadedMethod::add_call(const Container& container, const Instruction& instruction) {
  if (plans_.count(instruction.index) == 0) {
    if (Status status = load_plan(container, instruction.index); !status.ok()) return status;
  }
  Call call;
  call.plan = plans_[instruction.index].get();
  for (const std::int32_t index : instruction.arguments) {
    const Result<char*> memory = memory_of(container, index);
    if (!memory.ok()) return memory.status();
    const TensorSpec& spec = method_->tensor(index)->spec;
    call.arguments.push_back({*memory, spec.numel(), spec.dtype});
  }
  calls_.push_back(std::move(call));
  return Status();
}

Result<char*> LoadedMethod::memory_of(const Container& container, std::int32_t index) {
  if (const auto found = memories_.find(index); found != memories_.end()) return found->second;
  const StoredTensor* tensor = method_->tensor(index);
  if (tensor == nullptr) return refuse(concat("a tensor as value ", index), "something else");
  if (!tensor->is_plain || bytes_of(*tensor) > kMostBytes) {
    return refuse(concat("a plain tensor as value ", index), "another one");
  }
  const Result<char*> memory = find_memory(container, *tensor);
  if (memory.ok()) memories_[index] = *memory;
  return memory;
}

// A constant has a copy, because the file must not be written to. An input without planned memory
// has memory of its own too.
Result<char*> LoadedMethod::find_memory(const Container& container, const StoredTensor& tensor) {
  const std::uint64_t bytes = bytes_of(tensor);
  if (tensor.is_planned) {
    const std::size_t buffer = tensor.memory - std::size_t{1};
    const std::size_t unit = std::max<std::size_t>(element_size(tensor.spec.dtype), 1);
    const bool exists = buffer < planned_.size();
    const auto room =
        exists ? static_cast<std::uint64_t>(method_->planned[buffer]) : std::uint64_t{0};
    if (!exists || bytes > room || tensor.offset > room - bytes || tensor.offset % unit != 0) {
      return refuse("tensors within the planned memory", "one beyond it");
    }
    return planned_[buffer].get() + tensor.offset;
  }
  const Result<Bytes> values = constant_of(container, tensor);
  if (!values.ok()) return values.status();
  own_bytes_ += bytes;
  if (own_bytes_ > kMostOwnBytes) {
    return refuse(concat("at most ", kMostOwnBytes, " bytes of tensors outside of planned memory"),
                  "more");
  }
  own_.push_back(native::allocate_aligned(static_cast<std::size_t>(bytes)));
  if (own_.back() == nullptr) return no_memory("Session.load");
  std::memset(own_.back().get(), 0, static_cast<std::size_t>(bytes));
  if (values->data != nullptr) std::memcpy(own_.back().get(), values->data, bytes);
  return own_.back().get();
}

Result<std::vector<TensorView>> LoadedMethod::run(const std::vector<TensorView>& inputs,
                                                  std::vector<OperatorTime>* times) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto bytes = bytes_of(*method_->tensor(method_->inputs[i]));
    if (bytes > 0) std::memcpy(memories_[method_->inputs[i]], inputs[i].data, bytes);
  }
  if (times != nullptr) times->clear();
  const Inference inference(process_pool());
  for (const Call& call : calls_) {
    native::Ticks ticks{operator_clock()};
    const auto outcome = call.plan->run(call.arguments, times != nullptr ? &ticks : nullptr);
    if (outcome != native::RunOutcome::done) return refuse_run(outcome);
    if (times != nullptr) add_times(*call.plan, ticks, *times);
  }
  std::vector<TensorView> outputs;
  for (const std::int32_t index : method_->outputs) {
    const TensorSpec& spec = method_->tensor(index)->spec;
    outputs.push_back({memories_[index], spec.shape, spec.dtype});
  }
  return outputs;
}

}  // namespace hvit_edge::small
