#include "small/method_facts.h"

#include "small/stored_tensor.h"

namespace hvit_edge::small {
namespace {

SlotFacts slot_of(const Method& method, std::int32_t index) {
  SlotFacts slot;
  slot.exists = method.value(index) != nullptr;
  const StoredTensor* tensor = method.tensor(index);
  slot.is_tensor = tensor != nullptr;
  if (tensor == nullptr) return slot;
  slot.spec = tensor->spec;
  slot.bytes = static_cast<std::size_t>(bytes_of(*tensor));
  return slot;
}

}  // namespace

MethodFacts facts_of(const Method& method) {
  MethodFacts facts;
  for (const std::int32_t index : method.inputs) facts.inputs.push_back(slot_of(method, index));
  for (const std::int32_t index : method.outputs) facts.outputs.push_back(slot_of(method, index));
  facts.instructions = method.instructions.size();
  for (const Delegate& delegate : method.delegates) facts.backends.push_back(delegate.backend);
  for (const std::int64_t bytes : method.planned) {
    facts.planned.push_back(bytes >= 0 ? std::optional<std::int64_t>(bytes) : std::nullopt);
  }
  return facts;
}

}  // namespace hvit_edge::small
