#include "artifact/crc32.h"

#include <array>

#include "artifact/crc32_folding.h"

namespace hvit_edge {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b] is the effect of byte b followed by k zero bytes.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(const void* data, std::size_t size) {
  const auto* byte = static_cast<const std::uint8_t*>(data);
  std::uint32_t crc = 0xFFFFFFFFU;
  if (size >= 64 && can_fold_crc32()) {
    const std::size_t whole = size / 64 * 64;
    crc = fold_crc32(crc, byte, whole);
    byte += whole;
    size -= whole;
  }
  for (; size >= 8; size -= 8, byte += 8) {  // eight bytes at a time, one table each
    crc = kTables[7][(crc ^ byte[0]) & 0xFF] ^ kTables[6][((crc >> 8) ^ byte[1]) & 0xFF] ^
          kTables[5][((crc >> 16) ^ byte[2]) & 0xFF] ^ kTables[4][((crc >> 24) ^ byte[3]) & 0xFF] ^
          kTables[3][byte[4]] ^ kTables[2][byte[5]] ^ kTables[1][byte[6]] ^ kTables[0][byte[7]];
  }
  for (; size > 0; --size, ++byte) crc = (crc >> 8) ^ kTables[0][(crc ^ *byte) & 0xFF];
  return crc ^ 0xFFFFFFFFU;
}

}  // namespace hvit_edge
