#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "artifact/crc32.h"

namespace hvit_edge {
namespace {

// Computes one bit at a time, as the polynomial is defined.
std::uint32_t slow(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

TEST(Crc32, CheckValueOfTheStandard) {
  EXPECT_EQ(crc32("123456789", 9), 0xCBF43926U);
  EXPECT_EQ(crc32("", 0), 0U);
}

TEST(Crc32, EqualsTheDefinitionAtEveryLength) {
  std::vector<std::uint8_t> bytes;
  for (int length = 0; length < 400; ++length) {
    EXPECT_EQ(crc32(bytes.data(), bytes.size()), slow(bytes)) << length;
    bytes.push_back(static_cast<std::uint8_t>(length * 37 + 11));
  }
}

}  // namespace
}  // namespace hvit_edge
