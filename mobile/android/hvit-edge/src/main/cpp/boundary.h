// The boundary between Java and the C interface: failures become Java exceptions, and no C++
// exception crosses Java's frames.
#pragma once

#include <jni.h>

#include <cstdint>
#include <new>

#include "hvit_edge/c_api.h"
#include "java_types.h"

namespace hvit_edge::jni {

/// A buffer for the reason of one call.
class Reason {
 public:
  operator hve_text*() { return &text_; }  // NOLINT: implicit on purpose

  /// Throws in Java unless `status` is HVE_OK.
  bool accept(JNIEnv* env, hve_status status) const {
    if (status == HVE_OK) return true;
    throw_failure(env, status, data_);
    return false;
  }

 private:
  char data_[2048] = "";
  hve_text text_ = HVE_TEXT(data_);
};

/// Returns the result of `body`; zero and a pending Java exception if memory has run out. Compiled
/// without exceptions, the standard library then ends the process instead.
template <class Body>
auto bounded([[maybe_unused]] JNIEnv* env, Body body) noexcept -> decltype(body()) {
#if defined(__cpp_exceptions)
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw_failure(env, HVE_OUT_OF_MEMORY,
                  "[hvit_edge_jni] expected memory for the answer, got none; free some");
  } catch (...) {
    throw_failure(env, HVE_INTERNAL, "[hvit_edge_jni] expected no C++ exception, got one");
  }
  return decltype(body())();
#else
  return body();
#endif
}

}  // namespace hvit_edge::jni
