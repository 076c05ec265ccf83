// Finds out which sanitizer replaces what a test measures; GCC and clang announce it differently.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HVIT_EDGE_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define HVIT_EDGE_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HVIT_EDGE_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define HVIT_EDGE_THREAD_SANITIZER 1
#endif

namespace hvit_edge::testing {

/// It ends the process if `operator new` should throw.
#if defined(HVIT_EDGE_ADDRESS_SANITIZER)
constexpr bool kUnderAddressSanitizer = true;
#else
constexpr bool kUnderAddressSanitizer = false;
#endif
#if defined(HVIT_EDGE_THREAD_SANITIZER)
constexpr bool kUnderThreadSanitizer = true;
#else
constexpr bool kUnderThreadSanitizer = false;
#endif

}  // namespace hvit_edge::testing
