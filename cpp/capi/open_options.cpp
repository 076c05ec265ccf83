#include "open_options.h"

#include "struct_size.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

constexpr std::size_t kFirstVersion = offsetof(hve_options, reserved) + sizeof(std::int32_t);

Outcome check_choice(const char* where, const char* name, int value, int last) {
  if (value >= 0 && value <= last) return {};
  return refuse(where, concat("expected the option ", name, " from 0 to ", last, ", got ", value,
                              "; start from HVE_OPTIONS_INIT"));
}

}  // namespace

Outcome read_options(const char* where, const hve_options* given, OpenOptions& options) {
  hve_options read = HVE_OPTIONS_INIT;
  if (given != nullptr) {
    if (Outcome outcome = read_struct(where, given, kFirstVersion, read); !outcome.ok()) {
      return outcome;
    }
  }
  if (Outcome bad = check_choice(where, "prepare_later", read.prepare_later, 1); !bad.ok()) {
    return bad;
  }
  if (Outcome bad = check_choice(where, "memory", read.memory, HVE_MEMORY_BORROW); !bad.ok()) {
    return bad;
  }
  if (Outcome bad = check_choice(where, "reserved", read.reserved, 0); !bad.ok()) return bad;
  options.session.threads = read.threads;
  options.session.prepare = read.prepare_later == 0;
  options.session.method = read.method == nullptr ? "" : read.method;
  options.borrow = read.memory == HVE_MEMORY_BORROW;
  return {};
}

}  // namespace hvit_edge::capi
