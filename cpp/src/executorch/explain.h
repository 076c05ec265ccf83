// Explains ExecuTorch's error codes in sentences.
#pragma once

#include <executorch/runtime/core/error.h>

#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Returns the error as a Status. `where` is "Session.load", `doing` is "load method forward", and
/// `log` is what ExecuTorch wrote.
Status explain(executorch::runtime::Error error, const std::string& where, const std::string& doing,
               const std::string& log);

}  // namespace hvit_edge
