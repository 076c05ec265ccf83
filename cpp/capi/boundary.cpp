#include "boundary.h"

#include <cstddef>
#include <cstdio>
#include <string_view>

#include "guard.h"
#include "utf8.h"

namespace hvit_edge::capi {
namespace {

void write_reason(std::string_view reason, hve_text* error) {
  if (error == nullptr) return;
  error->size = reason.size();
  if (error->data != nullptr) write_utf8(reason, error->data, error->capacity);
}

hve_status report_static(hve_status code, const char* where, const char* message, hve_text* error) {
  char reason[512];
  std::snprintf(reason, sizeof(reason), "[%s] %s", where, message);
  write_reason(reason, error);
  return code;
}

}  // namespace

hve_status report(const Outcome& outcome, hve_text* error) noexcept {
  write_reason(outcome.message(), error);
  return outcome.code();
}

hve_status report_thrown(const char* where, Thrown thrown, const char* what,
                         hve_text* error) noexcept {
  char message[384];
  switch (thrown) {
    case Thrown::no_memory:
      return report_static(HVE_OUT_OF_MEMORY, where, kNoMemory, error);
    case Thrown::standard:
      std::snprintf(message, sizeof(message), "expected no exception, got %s; please report this",
                    what);
      return report_static(HVE_INTERNAL, where, message, error);
    case Thrown::foreign:
      break;
  }
  return report_static(HVE_INTERNAL, where,
                       "expected no exception, got one of another library; please report this",
                       error);
}

}  // namespace hvit_edge::capi
