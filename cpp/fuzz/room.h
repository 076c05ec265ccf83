// Result arguments of the fuzzer of the C interface: buffers of exactly their capacity, or NULL,
// and the conditions that must hold for them after a call.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "hvit_edge/c_api.h"

namespace hvit_edge::fuzzing {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Memory of exactly so many elements, filled with one byte; null for none.
template <typename T>
class Buffer {
 public:
  explicit Buffer(std::size_t count) : memory_(count == 0 ? nullptr : new T[count]) {
    if (count > 0) std::memset(static_cast<void*>(memory_.get()), kFill, count * sizeof(T));
  }
  T* data() const { return memory_.get(); }

 private:
  static constexpr int kFill = 0xA5;
  std::unique_ptr<T[]> memory_;
};

/// A capacity, sometimes without memory for it.
template <typename T>
struct Room {
  explicit Room(FuzzedDataProvider& given, std::size_t most = 40)
      : capacity(given.ConsumeIntegralInRange<std::size_t>(0, most)), buffer(capacity) {
    missing = given.ConsumeIntegralInRange(0, 15) == 0;
  }
  T* data() const { return missing ? nullptr : buffer.data(); }
  // Checks that the result fits, unless only its size was asked for.
  void check(hve_status status, std::size_t count) const {
    if (status == HVE_OK) require(data() == nullptr ? capacity == 0 : count <= capacity);
    if (status == HVE_BUFFER_TOO_SMALL) require(count > capacity);
    if (status != HVE_OK && status != HVE_BUFFER_TOO_SMALL) require(count == 0);
  }

  std::size_t capacity;
  Buffer<T> buffer;
  bool missing = false;
};

/// A text argument, or NULL instead.
struct Text {
  explicit Text(FuzzedDataProvider& given)
      : room(given, 200), absent(given.ConsumeIntegralInRange(0, 15) == 0) {
    text = {room.data(), room.capacity, 77};
  }
  operator hve_text*() { return absent ? nullptr : &text; }  // NOLINT: implicit on purpose

  bool ends() const { return std::memchr(text.data, 0, text.capacity) != nullptr; }
  void check_value(hve_status status) const {
    if (absent) return;
    if (status == HVE_BUFFER_TOO_SMALL) return require(text.size >= text.capacity);
    if (status != HVE_OK) return require(text.size == 0);
    if (text.data == nullptr) return require(text.capacity == 0);
    require(text.size < text.capacity && text.data[text.size] == '\0');
  }
  void check_error(hve_status status) const {
    require(status != HVE_INTERNAL);
    if (absent) return;
    require((text.size == 0) == (status == HVE_OK));
    if (text.data == nullptr || text.capacity == 0) return;
    require(ends());
    if (status != HVE_OK && text.capacity > 1) require(text.data[0] == '[');
  }

  Room<char> room;
  bool absent;
  hve_text text;
};

}  // namespace hvit_edge::fuzzing
