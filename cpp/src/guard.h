// Keeps exceptions of the standard library inside hvit-edge.
#pragma once

#include <string>
#include <utility>

#include "catching.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// The message of a call that ran out of memory, after its name.
constexpr char kNoMemory[] =
    "expected enough memory, got none; close other applications or take a smaller model or image";

inline Status no_memory(const char* where) {
  return Status(StatusCode::out_of_memory, std::string("[") + where + "] " + kNoMemory);
}

/// Runs `body`, which returns a Status or a Result, and converts exceptions to a Status.
template <typename Body>
auto guarded(const char* where, Body&& body) -> decltype(body()) {
  return catching(std::forward<Body>(body), [where](Thrown thrown, const char* what) {
    if (thrown == Thrown::no_memory) return no_memory(where);
    return Status(StatusCode::internal, std::string("[") + where + "] expected no exception, got " +
                                            what + "; please report this");
  });
}

}  // namespace hvit_edge
