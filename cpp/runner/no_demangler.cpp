// Replaces 140 kB of the C++ library in static files and libraries: the message of an exception
// that nothing catches then has the mangled name of its type.
#include <cstddef>

extern "C" char* __cxa_demangle(const char*, char*, std::size_t*, int* status) {
  if (status != nullptr) *status = -1;  // as for no memory
  return nullptr;
}
