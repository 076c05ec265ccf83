// The backends that are registered with ExecuTorch.
#include "hvit_edge/backends.h"

#include <executorch/runtime/backend/interface.h>

#include "executorch/native_backend.h"

namespace hvit_edge {

bool backend_available(const std::string& name) {
  native::register_backend();
  const auto* backend = executorch::runtime::get_backend_class(name.c_str());
  return backend != nullptr && backend->is_available();
}

std::vector<std::string> registered_backends() {
  native::register_backend();
  std::vector<std::string> names;
  const std::size_t count = executorch::runtime::get_num_registered_backends();
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = executorch::runtime::get_backend_name(i);
    if (name.ok()) names.emplace_back(*name);
  }
  return names;
}

}  // namespace hvit_edge
