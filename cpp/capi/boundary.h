// The boundary of the C interface, which no exception crosses.
#pragma once

#include "catching.h"
#include "hvit_edge/c_api.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// Writes the message into `error`, which may be null, and returns the code.
hve_status report(const Outcome& outcome, hve_text* error) noexcept;

/// Does the same for an exception. Needs no memory.
hve_status report_thrown(const char* where, Thrown thrown, const char* what,
                         hve_text* error) noexcept;

/// Runs `body`, which returns an Outcome.
template <typename Body>
hve_status bounded(const char* where, hve_text* error, Body&& body) noexcept {
  return catching(
      [&] { return report(body(), error); },
      [&](Thrown thrown, const char* what) { return report_thrown(where, thrown, what, error); });
}

}  // namespace hvit_edge::capi
