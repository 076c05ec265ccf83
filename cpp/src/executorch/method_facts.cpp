#include "executorch/method_facts.h"

#include <cstdint>

#include "executorch/dtypes.h"

namespace hvit_edge {
namespace {

using executorch::runtime::MethodMeta;
using executorch::runtime::Result;
using executorch::runtime::TensorInfo;

SlotFacts slot_of(bool exists, const Result<TensorInfo>& info) {
  SlotFacts slot;
  slot.exists = exists;
  slot.is_tensor = info.ok();
  if (!info.ok()) return slot;
  slot.spec.shape.assign(info->sizes().begin(), info->sizes().end());
  slot.spec.dtype = from_executorch(info->scalar_type());
  slot.bytes = info->nbytes();
  return slot;
}

// ExecuTorch marks it as experimental.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
std::size_t instruction_count(const MethodMeta& method) { return method.num_instructions(); }
#pragma GCC diagnostic pop

// ExecuTorch does not check that a delegate has a name. The text of a missing one is a few bytes
// after the null pointer.
bool is_text(const char* text) {
  constexpr std::uintptr_t kFirstPage = 4096;
  return reinterpret_cast<std::uintptr_t>(text) >= kFirstPage;
}

}  // namespace

MethodFacts facts_of(const MethodMeta& method) {
  MethodFacts facts;
  for (std::size_t i = 0; i < method.num_inputs(); ++i) {
    facts.inputs.push_back(slot_of(method.input_tag(i).ok(), method.input_tensor_meta(i)));
  }
  for (std::size_t i = 0; i < method.num_outputs(); ++i) {
    facts.outputs.push_back(slot_of(method.output_tag(i).ok(), method.output_tensor_meta(i)));
  }
  facts.instructions = instruction_count(method);
  for (std::size_t i = 0; i < method.num_backends(); ++i) {
    const auto name = method.get_backend_name(i);
    facts.backends.emplace_back(name.ok() && is_text(*name) ? *name : "");
  }
  for (std::size_t i = 0; i < method.num_memory_planned_buffers(); ++i) {
    const auto bytes = method.memory_planned_buffer_size(i);
    facts.planned.push_back(bytes.ok() ? std::optional<std::int64_t>(*bytes) : std::nullopt);
  }
  return facts;
}

}  // namespace hvit_edge
