// The only place that catches exceptions. The standard library's containers throw if memory runs
// out, and callbacks of programs may throw anything. Compiled without exceptions, nothing is
// caught: the standard library then ends the process instead of throwing.
#pragma once

#include <exception>
#include <new>

namespace hvit_edge {

enum class Thrown { no_memory, standard, foreign };

/// Returns what `body` returns; if it throws, `failed` of the kind and the message.
template <typename Body, typename Failed>
auto catching(Body&& body, Failed&& failed) -> decltype(body()) {
#if defined(__cpp_exceptions)
  try {
    return body();
  } catch (const std::bad_alloc& error) {
    return failed(Thrown::no_memory, error.what());
  } catch (const std::exception& error) {
    return failed(Thrown::standard, error.what());
  } catch (...) {
    return failed(Thrown::foreign, "no std::exception");
  }
#else
  static_cast<void>(failed);
  return body();
#endif
}

}  // namespace hvit_edge
