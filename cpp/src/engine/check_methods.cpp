#include "engine/check_methods.h"

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace hvit_edge {
namespace {

// Far more than a phone gives to a process; sums and products of such sizes fit in 64 bits.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 31;

Status refuse(const std::string& expected, const std::string& got) {
  return Status(StatusCode::invalid_artifact,
                concat("[Session.load] expected ", expected, ", got ", got,
                       "; compile the model again with hvit-edge"));
}

// Elements of `shape`, or -1 if there can be no such tensor.
std::int64_t count_elements(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || size > kMostBytes) return -1;
    count *= size;
    if (count > kMostBytes) return -1;
  }
  return count;
}

Status check_tensors(const char* side, const std::vector<SlotFacts>& slots) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::string name = concat("forward's ", side, " ", i);
    if (!slots[i].is_tensor) return refuse(concat("a tensor as ", name), "something else");
    if (count_elements(slots[i].spec.shape) < 0 ||
        slots[i].bytes > static_cast<std::size_t>(kMostBytes)) {
      return refuse(concat("a tensor of at most ", kMostBytes, " bytes as ", name), "a larger one");
    }
  }
  return Status();
}

Status check_planned_memory(const MethodFacts& method) {
  std::int64_t total = 0;
  for (const std::optional<std::int64_t>& bytes : method.planned) {
    if (!bytes || *bytes < 0 || *bytes > kMostBytes - total) {
      return refuse(concat("at most ", kMostBytes, " bytes of planned memory"),
                    bytes ? concat("a buffer of ", *bytes) : "an unreadable size");
    }
    total += *bytes;
  }
  return Status();
}

}  // namespace

Status check_model(const MethodFacts& method) {
  if (Status status = check_tensors("input", method.inputs); !status.ok()) return status;
  if (Status status = check_tensors("output", method.outputs); !status.ok()) return status;
  return check_planned_memory(method);
}

Status check_constant(const std::string& name, const MethodFacts& method) {
  const bool constant = method.inputs.empty() && method.instructions == 0 &&
                        method.backends.empty() && method.planned.empty();
  if (!constant) return refuse(concat(name, " to be a constant"), "a method that computes");
  if (method.outputs.empty()) return refuse(concat("a value of ", name), "none");
  for (const SlotFacts& output : method.outputs) {
    if (!output.exists) return refuse(concat("a value of ", name), "an index of none");
  }
  return Status();
}

}  // namespace hvit_edge
