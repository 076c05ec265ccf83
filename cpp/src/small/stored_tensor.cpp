#include "small/stored_tensor.h"

#include "text.h"

namespace hvit_edge::small {

std::uint64_t bytes_of(const StoredTensor& tensor) {
  std::uint64_t bytes = element_size(tensor.spec.dtype);
  for (const std::int64_t size : tensor.spec.shape) {
    if (size < 0 || static_cast<std::uint64_t>(size) > kMostBytes) return kMostBytes + 1;
    bytes *= static_cast<std::uint64_t>(size);
    if (bytes > kMostBytes) return kMostBytes + 1;
  }
  return bytes;
}

Result<Bytes> constant_of(const Container& container, const StoredTensor& tensor) {
  if (tensor.constant == 0 || tensor.is_planned) return Bytes();
  const bool stored = tensor.constant < container.constants.size();
  const Bytes data = stored ? container.constants[tensor.constant] : Bytes();
  const std::uint64_t bytes = bytes_of(tensor);
  if (tensor.is_plain && bytes <= data.size) return data;
  return Status(StatusCode::invalid_artifact,
                concat("[Session.load] expected a constant of ", bytes, " bytes, got ",
                       tensor.is_plain ? concat(data.size) : "one in another form",
                       "; compile the model again with hvit-edge"));
}

}  // namespace hvit_edge::small
