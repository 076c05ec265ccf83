// A flatbuffer of 96 bytes, laid out by hand from the definition of the format.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace hvit_edge::testing {

template <typename Number>
void put(std::vector<std::uint8_t>& bytes, std::size_t place, Number number) {
  std::memcpy(bytes.data() + place, &number, sizeof(number));
}

/// A table with the number 7, the text "abc", the numbers 1 and -2, and two tables with the numbers
/// 5 and 6.
inline std::vector<std::uint8_t> flat_sample() {
  std::vector<std::uint8_t> bytes(96);
  put<std::uint32_t>(bytes, 0, 20);  // the root
  // The fields of the root at 8: the size of this list, that of the table, places in the table.
  const std::uint16_t fields[] = {12, 20, 4, 8, 12, 16};
  std::memcpy(bytes.data() + 8, fields, sizeof(fields));
  put<std::int32_t>(bytes, 20, 20 - 8);
  put<std::uint32_t>(bytes, 24, 7);
  put<std::uint32_t>(bytes, 28, 40 - 28);
  put<std::uint32_t>(bytes, 32, 48 - 32);
  put<std::uint32_t>(bytes, 36, 60 - 36);
  put<std::uint32_t>(bytes, 40, 3);
  std::memcpy(bytes.data() + 44, "abc", 4);
  put<std::uint32_t>(bytes, 48, 2);
  put<std::int32_t>(bytes, 52, 1);
  put<std::int32_t>(bytes, 56, -2);
  put<std::uint32_t>(bytes, 60, 2);
  put<std::uint32_t>(bytes, 64, 80 - 64);
  put<std::uint32_t>(bytes, 68, 88 - 68);
  const std::uint16_t item_fields[] = {6, 5, 4};
  std::memcpy(bytes.data() + 72, item_fields, sizeof(item_fields));
  put<std::int32_t>(bytes, 80, 80 - 72);
  put<std::uint8_t>(bytes, 84, 5);
  put<std::int32_t>(bytes, 88, 88 - 72);
  put<std::uint8_t>(bytes, 92, 6);
  return bytes;
}

}  // namespace hvit_edge::testing
