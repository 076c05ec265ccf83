// The edge of the C interface: nothing thrown gets past it.
#pragma once

#include "hvit_edge/c_api.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// Writes the message into `error`, which may be null, and gives the code.
hve_status report(const Outcome& outcome, hve_text* error) noexcept;

/// The same for the exception that is being handled. Needs no memory.
hve_status report_exception(const char* where, hve_text* error) noexcept;

/// Runs `body`, which returns an Outcome.
template <typename Body>
hve_status bounded(const char* where, hve_text* error, Body&& body) noexcept {
  try {
    return report(body(), error);
  } catch (...) {
    return report_exception(where, error);
  }
}

}  // namespace hvit_edge::capi
