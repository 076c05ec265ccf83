// Converts hve_options to the options of C++.
#pragma once

#include "hvit_edge/c_api.h"
#include "hvit_edge/session.h"
#include "outcome.h"

namespace hvit_edge::capi {

struct OpenOptions {
  SessionOptions session;
  bool borrow = false;  ///< read the caller's memory in place
};

/// Gives the defaults if `given` is null.
Outcome read_options(const char* where, const hve_options* given, OpenOptions& options);

}  // namespace hvit_edge::capi
