#include "counted_allocations.h"

#include <cstdlib>
#include <new>

std::atomic<long> hvit_edge::testing::allocations{0};

// If they were inlined, GCC would warn about a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++hvit_edge::testing::allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
