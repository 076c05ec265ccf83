#include "hvit_edge/status.h"

namespace hvit_edge {

const char* to_string(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return "ok";
    case StatusCode::invalid_argument:
      return "invalid_argument";
    case StatusCode::invalid_artifact:
      return "invalid_artifact";
    case StatusCode::unsupported_version:
      return "unsupported_version";
    case StatusCode::missing_backend:
      return "missing_backend";
    case StatusCode::execution_failed:
      return "execution_failed";
    case StatusCode::out_of_memory:
      return "out_of_memory";
    case StatusCode::internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace hvit_edge
