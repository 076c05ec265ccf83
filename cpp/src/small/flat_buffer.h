// Reads the tables of a flatbuffer (https://flatbuffers.dev/internals) that nobody has checked.
//
// After the first fault, every result is harmless: zero, empty or missing. Each table, vector and
// text is read once, as the bytes that objects claim are counted: a buffer whose objects share
// bytes is refused, so that the work and the results are bounded by its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace hvit_edge::small {

/// Bytes of the file.
struct Bytes {
  const char* data = nullptr;
  std::size_t size = 0;
};

class FlatTable;

class FlatBuffer {
 public:
  FlatBuffer(const char* data, std::size_t size) : data_(data), size_(size) {}

  /// Returns the table that the buffer begins with.
  FlatTable root();

  bool ok() const { return fault_.empty(); }
  const std::string& fault() const { return fault_; }
  void require(bool holds, const char* otherwise);

  /// Checks that no two objects that were read share a byte.
  void check_overlaps();

 private:
  friend class FlatTable;

  template <typename Number>
  Number number_at(std::size_t place);
  bool has(std::size_t place, std::size_t size) const {
    return place <= size_ && size <= size_ - place;
  }
  /// Claims the bytes of an object. Returns false, and records a fault, if they are not there.
  bool claim(std::size_t place, std::size_t size);
  /// Returns the place that the offset at `place` leads to.
  std::size_t follow(std::size_t place);
  FlatTable table_at(std::size_t place);
  Bytes vector_at(std::size_t place, std::size_t item_size, std::size_t after);

  const char* data_;
  std::size_t size_;
  std::string fault_;
  std::size_t claimed_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> objects_;  // first byte, and one after the last
  std::unordered_set<std::size_t> field_lists_;               // tables of one form share one
};

/// A table; `field` is the index of a field in the schema, counted from 0. A field that is missing
/// has its default.
class FlatTable {
 public:
  FlatTable() = default;

  explicit operator bool() const { return buffer_ != nullptr; }

  template <typename Number>
  Number number(int field, Number otherwise = 0) const;
  bool has(int field) const { return place_of(field, 1) != 0; }
  FlatTable table(int field) const;
  std::vector<FlatTable> tables(int field) const;
  /// Returns a text, which is empty if it is missing.
  std::string_view text(int field) const;
  /// Returns a vector of bytes, whose address is a multiple of `alignment` from the first one.
  Bytes bytes(int field, std::size_t alignment = 1) const;
  template <typename Number>
  std::vector<Number> numbers(int field) const;

 private:
  friend class FlatBuffer;

  /// Returns the place of a field of at least `size` bytes, or 0 if it is missing.
  std::size_t place_of(int field, std::size_t size) const;

  FlatBuffer* buffer_ = nullptr;
  std::size_t place_ = 0;
  std::size_t size_ = 0;
  std::size_t fields_ = 0;  // the place of its list of fields
  std::size_t field_count_ = 0;
};

template <typename Number>
Number FlatBuffer::number_at(std::size_t place) {
  Number value{};
  if (!has(place, sizeof(value))) {
    require(false, "a number beyond its end");
    return value;
  }
  std::memcpy(&value, data_ + place, sizeof(value));
  return value;
}

template <typename Number>
Number FlatTable::number(int field, Number otherwise) const {
  const std::size_t place = place_of(field, sizeof(Number));
  return place == 0 ? otherwise : buffer_->number_at<Number>(place);
}

template <typename Number>
std::vector<Number> FlatTable::numbers(int field) const {
  const std::size_t place = place_of(field, sizeof(std::uint32_t));
  if (place == 0) return {};
  const Bytes bytes = buffer_->vector_at(place, sizeof(Number), 0);
  std::vector<Number> numbers(bytes.size / sizeof(Number));
  if (bytes.size > 0) std::memcpy(numbers.data(), bytes.data, bytes.size);
  return numbers;
}

}  // namespace hvit_edge::small
