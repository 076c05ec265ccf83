// Conversions to float16 against the nearest of all its values.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "native/half.h"
#include "native/half_copies.h"

namespace hvit_edge::native::testing {
namespace {

constexpr std::uint16_t kInfinity = 0x7c00;

Half from_bits(std::uint16_t bits) {
  Half value;
  std::memcpy(static_cast<void*>(&value), &bits, sizeof(bits));
  return value;
}

std::uint16_t bits_of(Half value) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// Decodes the bits: sign, exponent, fraction.
double meaning(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

TEST(NativeHalf, EveryValueComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const auto value = static_cast<float>(from_bits(half));
    if ((half & 0x7fff) > kInfinity) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(Half(value)))) << bits;
      continue;
    }
    if ((half & 0x7fff) < kInfinity) {
      ASSERT_EQ(value, meaning(half)) << bits;
    }
    ASSERT_EQ(bits_of(Half(value)), half) << bits;
  }
}

TEST(NativeHalf, RoundsToTheNearestAndTiesToEven) {
  for (std::uint16_t lower = 0; lower + 1 < kInfinity; ++lower) {
    const double low = meaning(lower), high = meaning(static_cast<std::uint16_t>(lower + 1));
    const auto middle = static_cast<float>((low + high) / 2);  // exact in float32
    const std::uint16_t even = lower % 2 == 0 ? lower : static_cast<std::uint16_t>(lower + 1);
    ASSERT_EQ(bits_of(Half(middle)), even) << lower;
    ASSERT_EQ(bits_of(Half(-middle)), even | 0x8000) << lower;
    const float above = std::nextafter(middle, 1e6F), below = std::nextafter(middle, -1e6F);
    ASSERT_EQ(bits_of(Half(above)), lower + 1) << lower;
    ASSERT_EQ(bits_of(Half(below)), lower) << lower;
  }
}

TEST(NativeHalf, WhatIsTooLargeIsInfinite) {
  EXPECT_EQ(bits_of(Half(65519.996F)), kInfinity - 1);
  EXPECT_EQ(bits_of(Half(65520.0F)), kInfinity);
  EXPECT_EQ(bits_of(Half(-1e30F)), kInfinity | 0x8000);
  EXPECT_EQ(bits_of(Half(std::numeric_limits<float>::infinity())), kInfinity);
}

TEST(NativeHalf, CopiesAnyNumberOfValues) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> one(-70000, 70000);
  for (std::int64_t count : {0, 1, 7, 8, 9, 16, 100}) {
    std::vector<float> values(static_cast<std::size_t>(count)), back(values.size(), 1);
    for (float& value : values) value = one(engine);
    std::vector<Half> halves(values.size());
    copy_as_half(values.data(), halves.data(), count);
    copy_as_float(halves.data(), back.data(), count);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(bits_of(halves[i]), bits_of(Half(values[i])));
      EXPECT_EQ(back[i], static_cast<float>(Half(values[i])));
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
