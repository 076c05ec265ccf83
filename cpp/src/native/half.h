// float16 in memory, on any processor. Only conversions use this type. Arithmetic is done in the
// translation units for processors that have it.
#pragma once

#include <cstdint>
#include <cstring>

namespace hvit_edge::native {

#if defined(__aarch64__)

using Half = __fp16;

#else

/// IEEE 754 binary16; rounds to the nearest, ties to even.
struct Half {
  std::uint16_t bits = 0;

  Half() = default;
  explicit Half(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof(word));
    const std::uint32_t size = word & 0x7fffffffu;
    const auto sign = static_cast<std::uint16_t>(word >> 16 & 0x8000u);
    if (size > 0x7f800000u) {
      bits = sign | 0x7e00u;  // not a number
    } else if (size >= 0x477ff000u) {
      bits = sign | 0x7c00u;  // more than 65504 plus half a step
    } else if (size < 0x38800000u) {
      // Below 2^-14, the steps are those of floats from 0.5 on, so that the sum rounds to them.
      float magnitude;
      std::memcpy(&magnitude, &size, sizeof(magnitude));
      magnitude += 0.5f;
      std::memcpy(&word, &magnitude, sizeof(word));
      bits = sign | static_cast<std::uint16_t>(word - 0x3f000000u);
    } else {
      const std::uint32_t odd = size >> 13 & 1u;
      bits = sign | static_cast<std::uint16_t>((size - 0x38000000u + 0xfffu + odd) >> 13);
    }
  }

  operator float() const {
    const std::uint32_t size = bits & 0x7fffu;
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    if (size < 0x0400u) {
      const float magnitude = static_cast<float>(size) * 0x1p-24f;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t exponent = size >= 0x7c00u ? 0x70000000u : 0x38000000u;
    const std::uint32_t word = sign | (exponent + (size << 13));
    float value;
    std::memcpy(&value, &word, sizeof(value));
    return value;
  }
};

#endif

static_assert(sizeof(Half) == 2);

}  // namespace hvit_edge::native
