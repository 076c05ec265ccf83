#include "raise.h"

#include <pybind11/pybind11.h>

namespace hvit_edge::bindings {
namespace {

const char* exception_for(StatusCode code) {
  switch (code) {
    case StatusCode::invalid_argument:
      return "InputError";
    case StatusCode::invalid_artifact:
    case StatusCode::unsupported_version:
    case StatusCode::missing_backend:
    case StatusCode::execution_failed:
      return "ArtifactError";
    case StatusCode::ok:
    case StatusCode::out_of_memory:
    case StatusCode::internal:
      break;
  }
  return "HvitEdgeError";
}

}  // namespace

void raise_if_failed(const Status& status) {
  if (status.ok()) return;
  const pybind11::module_ errors = pybind11::module_::import("hvit_edge.errors");
  const pybind11::object type = errors.attr(exception_for(status.code()));
  PyErr_SetString(type.ptr(), status.message().c_str());
  throw pybind11::error_already_set();
}

}  // namespace hvit_edge::bindings
