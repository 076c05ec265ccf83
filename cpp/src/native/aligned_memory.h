// Memory that kernels work in.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace hvit_edge::native {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using AlignedMemory = std::unique_ptr<char, FreeMemory>;

/// Returns memory that is aligned for vectors and may be read a vector beyond its end; null if
/// there is none.
inline AlignedMemory allocate_aligned(std::size_t bytes) {
  constexpr std::size_t alignment = 64;
  constexpr std::size_t slack = 64;
  void* memory = nullptr;
  const int error = posix_memalign(&memory, alignment, bytes + slack);
  return AlignedMemory(error == 0 ? static_cast<char*>(memory) : nullptr);
}

}  // namespace hvit_edge::native
