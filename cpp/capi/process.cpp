// Functions of the library and the process: versions, names of codes, threads, backends.
#include "boundary.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/threads.h"
#include "output.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

int count_or_zero(int (*count)()) noexcept {
  return catching(count, [](Thrown, const char*) { return 0; });
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

const char* hve_version(void) { return hvit_edge::version(); }

uint32_t hve_abi_version(void) { return HVE_ABI_VERSION; }

const char* hve_status_name(int32_t status) {
  if (status == HVE_BUFFER_TOO_SMALL) return "buffer_too_small";
  if (status < HVE_OK || status > HVE_INTERNAL) return "unknown";
  return hvit_edge::to_string(static_cast<hvit_edge::StatusCode>(status));
}

hve_status hve_set_threads(int32_t count, hve_text* error) {
  return bounded("hve_set_threads", error,
                 [&]() -> Outcome { return hvit_edge::set_threads(count); });
}

int32_t hve_threads(void) { return count_or_zero(&hvit_edge::threads); }

int32_t hve_auto_threads(void) { return count_or_zero(&hvit_edge::auto_threads); }

hve_status hve_backend_count(size_t* count, hve_text* error) {
  constexpr char where[] = "hve_backend_count";
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    *count = 0;
    *count = hvit_edge::registered_backends().size();
    return {};
  });
}

hve_status hve_backend_name(size_t index, hve_text* name, hve_text* error) {
  constexpr char where[] = "hve_backend_name";
  if (name != nullptr) name->size = 0;
  return bounded(where, error, [&]() -> Outcome {
    const std::vector<std::string> names = hvit_edge::registered_backends();
    if (index >= names.size()) return refuse_index(where, index, names.size());
    return give_text(where, names[index], name);
  });
}
