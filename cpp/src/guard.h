// Keeps exceptions of the standard library inside hvit-edge.
#pragma once

#include <exception>
#include <new>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Runs `body`, which returns a Status or a Result, and turns what it throws into a Status.
template <typename Body>
auto guarded(const char* where, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::out_of_memory,
                  std::string("[") + where +
                      "] expected enough memory, got none; close other applications or take a "
                      "smaller model or image");
  } catch (const std::exception& error) {
    return Status(StatusCode::internal, std::string("[") + where + "] expected no exception, got " +
                                            error.what() + "; please report this");
  }
}

}  // namespace hvit_edge
