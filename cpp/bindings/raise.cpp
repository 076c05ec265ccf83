#include "raise.h"

#include <pybind11/pybind11.h>

#include <string>

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

// What else a user of Python can do if a backend or kernel is missing.
#ifdef HVIT_EDGE_SMALL_BINDING
constexpr char kRemedy[] = ", or install ExecuTorch: pip install 'hvit-edge[executorch]'";
#else
constexpr char kRemedy[] = "";
#endif

}  // namespace

void raise_if_failed(const Status& status) {
  if (status.ok()) return;
  const bool missing = status.code() == StatusCode::missing_backend;
  const std::string message = status.message() + (missing ? kRemedy : "");
  const pybind11::module_ errors = pybind11::module_::import("hvit_edge.errors");
  const pybind11::object type = errors.attr(exception_for(status.code()));
  PyErr_SetString(type.ptr(), message.c_str());
  throw pybind11::error_already_set();
}

}  // namespace hvit_edge::bindings
