// Codes and ranges against quantize/int8_operators.py's round_rows, in double precision.
#include <limits>
#include <utility>

#include "hvit_edge/threads.h"
#include "native_int8.h"

namespace hvit_edge::native::testing {
namespace {

constexpr double kTie = 1e-4;  // distance from a tie, in steps, within which either code is right

struct Case {
  Quantise quantise;
  Placed input;
  std::vector<float> values, arena;
  std::vector<Between> regions;
};

// Places rows of this size; the test fills them.
Case place_rows(Random& random, std::int64_t rows, std::int64_t columns, std::int64_t together,
                bool pads) {
  Case one;
  one.input = place(random, Space::input, rows, columns);
  one.values.assign(static_cast<std::size_t>(reach(one.input, rows, columns)), 1e9F);
  Quantise& quantise = one.quantise;
  quantise.rows = rows;
  quantise.columns = columns;
  quantise.together = together;
  quantise.input = one.input.rows;
  quantise.pads = pads;
  Layout layout;
  const std::int64_t width = in_fours(columns);
  quantise.ranges = layout.add(rows / together * 8);
  one.regions.push_back({quantise.ranges, quantise.ranges + rows / together * 8});
  if (pads) {
    quantise.zeros = layout.add(width);
    one.regions.push_back({quantise.zeros, quantise.zeros + width});
  }
  quantise.codes = layout.add(rows * width);
  one.regions.push_back({quantise.codes, quantise.codes + rows * width});
  one.arena = layout.memory();
  return one;
}

// The result of round_rows for the rows of one range.
struct Expected {
  double scale = 1, zero = 0;  // the zero before rounding
  bool nothing = true;         // only zeros: any code may stand for them

  Expected(const Case& one, std::int64_t group) {
    double low = 0, high = 0;
    const std::int64_t together = one.quantise.together;
    for (std::int64_t row = group * together; row < (group + 1) * together; ++row) {
      for (std::int64_t k = 0; k < one.quantise.columns; ++k) {
        low = std::min(low, double{one.values[one.input.row(row) + k]});
        high = std::max(high, double{one.values[one.input.row(row) + k]});
      }
    }
    nothing = high == low;
    if (!nothing) scale = (high - low) / 255;
    const bool from_low = (-128 + low / scale) + (127 + high / scale) > 0;
    zero = std::min(127.0, std::max(-128.0, from_low ? -128 - low / scale : 127 - high / scale));
  }
};

void expect_group(const InstructionSet& set, const Case& one, std::vector<float>& arena,
                  std::int64_t group) {
  const Quantise& quantise = one.quantise;
  const Expected expected(one, group);
  float range[2];
  std::memcpy(range, bytes_in(arena, quantise.ranges) + 8 * group, sizeof(range));
  ASSERT_NEAR(range[0] / expected.scale, 1, 1e-6) << set.name;
  const double zero = double{range[1]} - 128 - lowest_byte(set);
  ASSERT_EQ(zero, std::rint(zero)) << set.name;
  ASSERT_LE(std::abs(zero), 128) << set.name;
  if (!expected.nothing) {
    ASSERT_LE(std::abs(zero - expected.zero), 0.5 + kTie) << set.name;
  }
  const std::int64_t width = in_fours(quantise.columns), together = quantise.together;
  for (std::int64_t row = group * together; row < (group + 1) * together; ++row) {
    const std::uint8_t* codes = bytes_in(arena, quantise.codes) + row * width;
    for (std::int64_t k = 0; k < width; ++k) {
      if (k >= quantise.columns) {
        ASSERT_EQ(codes[k], 0) << set.name << " after row " << row;
        continue;
      }
      const double place = one.values[one.input.row(row) + k] / expected.scale + zero;
      const double nearest = std::min(127.0, std::max(-128.0, place));
      ASSERT_LE(std::abs(code_of(set, codes[k]) - nearest), 0.5 + kTie)
          << set.name << " at " << row << ", " << k;
    }
  }
  for (std::int64_t k = 0; quantise.pads && k < width; ++k) {
    ASSERT_EQ(code_of(set, bytes_in(arena, quantise.zeros)[k]), zero) << set.name;
  }
}

void expect_quantised(Case& one) {
  for (const InstructionSet& set : present_sets()) {
    std::vector<float> arena = one.arena;
    run_in(set, one.quantise, one.values, arena);
    expect_same_beside(one.arena, arena, one.regions, set.name);
    for (std::int64_t group = 0; group < one.quantise.rows / one.quantise.together; ++group) {
      expect_group(set, one, arena, group);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// Fills one row with values between two ends, both of which occur.
void fill(Random& random, Case& one, std::int64_t row, float low, float high) {
  float* values = one.values.data() + one.input.row(row);
  for (std::int64_t k = 0; k < one.quantise.columns; ++k) {
    values[k] = low + (random.values(1)[0] + 1) / 2 * (high - low);
  }
  values[random(0, one.quantise.columns - 1)] = low;
  values[random(0, one.quantise.columns - 1)] = high;
}

TEST(NativeQuantise, TakesRangesAsTheyCome) {
  Random random(1);
  const float ends[][2] = {{-1, 3},     {-0.01F, 5}, {-7, 0.3F},    {2, 9},           {-9, -2},
                           {4, 4},      {-4, -4},    {0, 0},        {0, 6},           {-6, 0},
                           {-1e-6F, 0}, {0, 3e4F},   {-1e9F, 1e9F}, {-1e-20F, 1e-20F}};
  for (const std::int64_t columns : {1, 3, 4, 5, 15, 16, 17, 30, 33, 100}) {
    for (const auto& [low, high] : ends) {
      Case one = place_rows(random, 3, columns, 1, false);
      for (std::int64_t row = 0; row < 3; ++row) fill(random, one, row, low, high);
      SCOPED_TRACE(::testing::Message() << columns << " from " << low << " to " << high);
      expect_quantised(one);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NativeQuantise, SharesRanges) {
  Random random(2);
  for (const int threads : {1, 3}) {
    ASSERT_TRUE(set_threads(threads).ok());
    for (const std::int64_t groups : {1, 2, 5, 400}) {
      for (const std::int64_t together : {1, 2, 3, 7}) {
        const bool pads = groups == 1;
        Case one = place_rows(random, groups * together, random(1, 40), together, pads);
        for (std::int64_t row = 0; row < groups * together; ++row) {
          const float width = static_cast<float>(row % 3);
          fill(random, one, row, random.values(1)[0] - width, random.values(1)[0] + width);
        }
        SCOPED_TRACE(::testing::Message() << groups << " times " << together);
        expect_quantised(one);
        if (HasFatalFailure()) return;
      }
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

// Values that are exact steps of their own range become exactly those.
TEST(NativeQuantise, KeepsWholeSteps) {
  Random random(3);
  for (const int zero : {-128, -127, -50, 0, 3, 100, 127}) {
    Case one = place_rows(random, 1, 256, 1, false);
    for (int code = -128; code < 128; ++code) {
      one.values[one.input.row(0) + code + 128] = static_cast<float>(code - zero) / 32;
    }
    for (const InstructionSet& set : present_sets()) {
      std::vector<float> arena = one.arena;
      run_in(set, one.quantise, one.values, arena);
      float range[2];
      std::memcpy(range, bytes_in(arena, one.quantise.ranges), sizeof(range));
      EXPECT_EQ(range[0], 1.0F / 32) << set.name;
      EXPECT_EQ(range[1] - 128 - lowest_byte(set), zero) << set.name;
      for (int code = -128; code < 128; ++code) {
        ASSERT_EQ(code_of(set, bytes_in(arena, one.quantise.codes)[code + 128]), code) << set.name;
      }
    }
  }
}

// The ranges are so narrow that float32 does not have a step, or its reciprocal.
TEST(NativeQuantise, TakesTheSmallestValuesForZeros) {
  Random random(4);
  const float ends[][2] = {{-1, 1}, {0, 1}, {-1, 0}};
  for (const float most : {1e-45F, 1e-41F, 1e-38F, 5e-37F}) {
    for (const auto& [low, high] : ends) {
      Case one = place_rows(random, 2, 19, 2, true);
      for (std::int64_t row = 0; row < 2; ++row) fill(random, one, row, low * most, high * most);
      for (const InstructionSet& set : present_sets()) {
        SCOPED_TRACE(::testing::Message() << set.name << " from " << low * most);
        std::vector<float> arena = one.arena;
        run_in(set, one.quantise, one.values, arena);
        float range[2];
        std::memcpy(range, bytes_in(arena, one.quantise.ranges), sizeof(range));
        ASSERT_TRUE(std::isfinite(range[0]) && std::isfinite(range[1]));
        for (std::int64_t k = 0; k < 19; ++k) {
          const int code = code_of(set, bytes_in(arena, one.quantise.codes)[k]);
          ASSERT_NEAR((code - (range[1] - 128.0 - lowest_byte(set))) * range[0], 0, 2e-36);
        }
      }
    }
  }
}

// Infinite values have no valid range, so their codes have no meaning.
TEST(NativeQuantise, GivesInfiniteValuesNoRange) {
  Random random(5);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [low, high] : {std::pair(-1.0F, infinity), {-infinity, 0.0F}, {-3e38F, 3e38F}}) {
    Case one = place_rows(random, 1, 19, 1, true);
    fill(random, one, 0, 0, 1);
    one.values[one.input.row(0) + 2] = low;
    one.values[one.input.row(0) + 17] = high;
    for (const InstructionSet& set : present_sets()) {
      std::vector<float> arena = one.arena;
      run_in(set, one.quantise, one.values, arena);
      float range[2];
      std::memcpy(range, bytes_in(arena, one.quantise.ranges), sizeof(range));
      EXPECT_TRUE(std::isnan(range[0])) << set.name << " to " << high;
      EXPECT_EQ(range[1], 0) << set.name;
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
