// Codes, ranges and weights of the native backend's int8 operations, and runs that check the
// complete arena afterwards.
#pragma once

#include <cstring>
#include <string>

#include "native_operators.h"

namespace hvit_edge::native::testing {

inline std::int64_t in_fours(std::int64_t count) { return (count + 3) / 4 * 4; }

/// Returns the byte of the lowest code, -128: AVX2 and AVX-512 multiply unsigned bytes.
inline int lowest_byte(const InstructionSet& set) {
  return std::string(set.name).find("avx") == 0 ? 0 : -128;
}

/// Returns the code of a byte, -128 to 127.
inline int code_of(const InstructionSet& set, std::uint8_t byte) {
  return lowest_byte(set) == 0 ? int{byte} - 128 : int{static_cast<std::int8_t>(byte)};
}

inline std::uint8_t byte_of(const InstructionSet& set, int code) {
  return static_cast<std::uint8_t>(code + 128 + lowest_byte(set));
}

/// Lays out memory in floats, region after region, with nothing after the last one.
class Layout {
 public:
  /// Adds a region of so many bytes after a gap; returns its offset.
  std::int64_t add(std::int64_t bytes) {
    const std::int64_t start = 4 * (values_ + kGap);
    values_ += kGap + (bytes + 3) / 4;
    return start;
  }
  std::vector<float> memory() const {
    return std::vector<float>(static_cast<std::size_t>(values_), kUntouched);
  }

 private:
  static constexpr std::int64_t kGap = 5;
  std::int64_t values_ = 0;
};

inline std::uint8_t* bytes_in(std::vector<float>& memory, std::int64_t offset) {
  return reinterpret_cast<std::uint8_t*>(memory.data()) + offset;
}

struct Between {
  std::int64_t start, stop;  // bytes
};

/// Checks that two states of the memory differ at most in `regions`.
inline void expect_same_beside(const std::vector<float>& before, const std::vector<float>& after,
                               const std::vector<Between>& regions, const char* name) {
  std::vector<float> left = before, right = after;
  for (const Between& region : regions) {
    const auto bytes = static_cast<std::size_t>(region.stop - region.start);
    std::memset(bytes_in(left, region.start), 0, bytes);
    std::memset(bytes_in(right, region.start), 0, bytes);
  }
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    ASSERT_EQ(std::memcmp(&left[i], &right[i], sizeof(float)), 0)
        << name << " wrote value " << i << " of the arena";
  }
}

/// Runs with this arena and returns the output, with guards around its `count` values.
inline std::vector<float> run_in(const InstructionSet& set, const Operation& operation,
                                 std::vector<float>& input, std::vector<float>& arena,
                                 std::size_t count = 0) {
  std::vector<float> target(count + 2 * kGuard, kUntouched);
  Bases bases;
  bases.of[static_cast<int>(Space::input)] = reinterpret_cast<char*>(input.data());
  bases.of[static_cast<int>(Space::arena)] = reinterpret_cast<char*>(arena.data());
  bases.of[static_cast<int>(Space::output)] = reinterpret_cast<char*>(target.data() + kGuard);
  run_packed(set, operation, bases);
  return target;
}

/// Compares an output; `expected` has kNothing where nothing may be written.
inline void expect_output(const std::vector<float>& actual, const std::vector<double>& expected,
                          double tolerance, const char* name) {
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const bool inside = i >= kGuard && i - kGuard < expected.size();
    const double value = inside ? expected[i - kGuard] : kNothing;
    if (std::isnan(value)) {
      ASSERT_EQ(actual[i], kUntouched) << name << " wrote " << i - kGuard;
    } else {
      ASSERT_NEAR(actual[i], value, tolerance * std::max(1.0, std::abs(value)))
          << name << " at " << i - kGuard;
    }
  }
}

/// The weights of a layer, plain and packed for an operation.
struct RandomInt8Weights {
  std::int64_t columns, taps, depth;
  std::vector<std::int8_t> codes, packed;  // [columns][taps][depth]
  std::vector<float> scales, totals;

  RandomInt8Weights(Random& random, std::int64_t count, std::int64_t tap_count, std::int64_t width)
      : columns(count), taps(tap_count), depth(width) {
    const std::int64_t padded = (columns + kPanel - 1) / kPanel * kPanel;
    const std::int64_t fours = in_fours(depth) / 4;
    packed.resize(static_cast<std::size_t>(padded * taps * fours * 4));
    totals.resize(static_cast<std::size_t>(padded));
    scales = random.values(columns);
    scales.resize(static_cast<std::size_t>(padded));
    for (std::int64_t n = 0; n < columns; ++n) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        for (std::int64_t k = 0; k < depth; ++k) {
          const auto code = static_cast<std::int8_t>(random(-127, 127));
          const std::int64_t four = n / kPanel * taps * fours + tap * fours + k / 4;
          codes.push_back(code);
          packed[(four * kPanel + n % kPanel) * 4 + k % 4] = code;
          totals[n] += static_cast<float>(code);
        }
      }
    }
  }

  double code(std::int64_t n, std::int64_t tap, std::int64_t k) const {
    return codes[(n * taps + tap) * depth + k];
  }
  Int8Weights get() const { return {packed.data(), scales.data(), totals.data()}; }
};

/// Rows of codes -128 to 127 and their ranges, as `Quantise` writes them.
struct RandomCodes {
  std::int64_t rows, depth, together;
  std::vector<int> codes;     // [rows][depth]
  std::vector<float> ranges;  // [rows / together][scale, zero]

  RandomCodes(Random& random, std::int64_t count, std::int64_t width, std::int64_t shared)
      : rows(count), depth(width), together(shared) {
    for (std::int64_t i = 0; i < rows * depth; ++i) {
      codes.push_back(static_cast<int>(random(-128, 127)));
    }
    for (std::int64_t i = 0; i < rows / together; ++i) {
      ranges.push_back(std::abs(random.values(1)[0]) / 8192 + 1e-5F);
      ranges.push_back(static_cast<float>(random(-128, 127)));
    }
  }

  double scale(std::int64_t row) const { return ranges[row / together * 2]; }
  double zero(std::int64_t row) const { return ranges[row / together * 2 + 1]; }
  double code(std::int64_t row, std::int64_t k) const { return codes[row * depth + k]; }

  void write(const InstructionSet& set, std::uint8_t* to) const {
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t k = 0; k < in_fours(depth); ++k) {
        // The bytes after a row are arbitrary: their weights are zeros.
        *to++ = k < depth ? byte_of(set, codes[row * depth + k]) : std::uint8_t{77};
      }
    }
  }
  void write_ranges(const InstructionSet& set, std::uint8_t* to) const {
    std::vector<float> moved = ranges;
    for (std::size_t i = 1; i < moved.size(); i += 2) {
      moved[i] += static_cast<float>(128 + lowest_byte(set));
    }
    std::memcpy(to, moved.data(), moved.size() * sizeof(float));
  }
};

}  // namespace hvit_edge::native::testing
