// A copy of an artifact in memory, aligned as programs need it.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace hvit_edge::capi {

class ArtifactMemory {
 public:
  ArtifactMemory() = default;
  /// Throws std::bad_alloc if there is no memory for the copy.
  ArtifactMemory(const void* data, std::size_t size)
      : data_(::operator new(size, std::align_val_t{kAlignment})) {
    std::memcpy(data_.get(), data, size);
  }

  /// Returns the copy; null if nothing was copied.
  const void* data() const { return data_.get(); }

 private:
  static constexpr std::size_t kAlignment = 64;  // a cache line
  struct Free {
    void operator()(void* data) const { ::operator delete(data, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<void, Free> data_;
};

}  // namespace hvit_edge::capi
