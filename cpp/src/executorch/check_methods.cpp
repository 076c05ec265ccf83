#include "executorch/check_methods.h"

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace hvit_edge {
namespace {

using executorch::runtime::MethodMeta;
using executorch::runtime::Result;
using executorch::runtime::TensorInfo;

// Far more than a phone gives to a process; sums and products of such sizes fit in 64 bits.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 31;

Status refuse(const std::string& expected, const std::string& got) {
  return Status(StatusCode::invalid_artifact,
                concat("[Session.load] expected ", expected, ", got ", got,
                       "; compile the model again with hvit-edge"));
}

// Elements of `shape`, or -1 if there can be no such tensor.
std::int64_t count_elements(const executorch::runtime::Span<const std::int32_t>& shape) {
  std::int64_t count = 1;
  for (const std::int32_t size : shape) {
    if (size < 0) return -1;
    count *= size;
    if (count > kMostBytes) return -1;
  }
  return count;
}

Status check_tensor(const char* side, std::size_t index, const Result<TensorInfo>& info) {
  const std::string name = concat("forward's ", side, " ", index);
  if (!info.ok()) return refuse(concat("a tensor as ", name), "something else");
  if (count_elements(info->sizes()) < 0 || info->nbytes() > static_cast<std::size_t>(kMostBytes)) {
    return refuse(concat("a tensor of at most ", kMostBytes, " bytes as ", name), "a larger one");
  }
  return Status();
}

// ExecuTorch marks it as experimental.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
std::size_t instruction_count(const MethodMeta& method) { return method.num_instructions(); }
#pragma GCC diagnostic pop

Status check_planned_memory(const MethodMeta& method) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < method.num_memory_planned_buffers(); ++i) {
    const auto bytes = method.memory_planned_buffer_size(i);
    if (!bytes.ok() || *bytes < 0 || *bytes > kMostBytes - total) {
      return refuse(concat("at most ", kMostBytes, " bytes of planned memory"),
                    bytes.ok() ? concat("a buffer of ", *bytes) : "an unreadable size");
    }
    total += *bytes;
  }
  return Status();
}

}  // namespace

Status check_model(const MethodMeta& method) {
  for (std::size_t i = 0; i < method.num_inputs(); ++i) {
    Status status = check_tensor("input", i, method.input_tensor_meta(i));
    if (!status.ok()) return status;
  }
  for (std::size_t i = 0; i < method.num_outputs(); ++i) {
    Status status = check_tensor("output", i, method.output_tensor_meta(i));
    if (!status.ok()) return status;
  }
  return check_planned_memory(method);
}

Status check_constant(const std::string& name, const MethodMeta& method) {
  const bool constant = method.num_inputs() == 0 && instruction_count(method) == 0 &&
                        method.num_backends() == 0 && method.num_memory_planned_buffers() == 0;
  if (!constant) return refuse(concat(name, " to be a constant"), "a method that computes");
  if (method.num_outputs() == 0) return refuse(concat("a value of ", name), "none");
  for (std::size_t i = 0; i < method.num_outputs(); ++i) {
    if (!method.output_tag(i).ok()) {
      return refuse(concat("a value of ", name), "an index of none");
    }
  }
  return Status();
}

}  // namespace hvit_edge
