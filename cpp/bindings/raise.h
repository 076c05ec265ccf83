// The only place where a Status becomes a Python exception.
#pragma once

#include <utility>

#include "hvit_edge/status.h"

namespace hvit_edge::bindings {

/// Raises InputError, ArtifactError or HvitEdgeError of hvit_edge.errors, depending on the code,
/// with the message unchanged. Returns only if `status` is ok. Needs the GIL.
void raise_if_failed(const Status& status);

/// The value, or an exception.
template <typename T>
T value_or_raise(Result<T> result) {
  raise_if_failed(result.status());
  return std::move(result).value();
}

}  // namespace hvit_edge::bindings
