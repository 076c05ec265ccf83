#include "outcome.h"

#include "text.h"

namespace hvit_edge::capi {
namespace {

constexpr bool mirrors(StatusCode code, hve_status status) {
  return static_cast<int>(code) == static_cast<int>(status);
}

static_assert(mirrors(StatusCode::ok, HVE_OK));
static_assert(mirrors(StatusCode::invalid_argument, HVE_INVALID_ARGUMENT));
static_assert(mirrors(StatusCode::invalid_artifact, HVE_INVALID_ARTIFACT));
static_assert(mirrors(StatusCode::unsupported_version, HVE_UNSUPPORTED_VERSION));
static_assert(mirrors(StatusCode::missing_backend, HVE_MISSING_BACKEND));
static_assert(mirrors(StatusCode::execution_failed, HVE_EXECUTION_FAILED));
static_assert(mirrors(StatusCode::out_of_memory, HVE_OUT_OF_MEMORY));
static_assert(mirrors(StatusCode::internal, HVE_INTERNAL));

}  // namespace

Outcome refuse(const char* where, const std::string& message) {
  return {HVE_INVALID_ARGUMENT, concat("[", where, "] ", message)};
}

Outcome refuse_index(const char* where, std::size_t index, std::size_t size) {
  return refuse(where, concat("expected an index below ", size, ", got ", index,
                              "; ask for the count first"));
}

}  // namespace hvit_edge::capi
