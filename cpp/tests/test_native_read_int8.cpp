// The int8 operations and inverted residuals that read_plan refuses, with the reasons.
#include <gtest/gtest.h>

#include "native_plan.h"

namespace hvit_edge::native::testing {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 31;  // the largest allowed size
constexpr char kReaches[] = "memory beyond what it asks for";
constexpr char kBeyond[] = "constants beyond its end";
constexpr char kUnknown[] = "a kind that is unknown";
constexpr char kZero[] = "a size of zero";

std::string refusal(const PlanWriter& writer) {
  const std::vector<std::int64_t> data = writer.bytes();
  const Status status = read_plan(data.data(), 8 * data.size()).status();
  return status.ok() ? "" : status.message();
}

std::string reason(const std::string& why) {
  return "[native.load] expected a plan of version " + std::to_string(kVersion) + ", got " + why +
         "; compile the model again with this version of hvit-edge";
}

struct Fault {
  std::size_t word;
  std::int64_t value;
  const char* why;
};

// `writer` is accepted; with any of `faults`, with less arena, or cut short, it is refused.
void expect_faults(const PlanWriter& writer, const std::vector<Fault>& faults) {
  ASSERT_EQ(refusal(writer), "");
  for (const Fault& fault : faults) {
    PlanWriter changed = writer;
    ASSERT_LT(fault.word, changed.words.size());
    changed.words[fault.word] = fault.value;
    EXPECT_EQ(refusal(changed), reason(fault.why))
        << "word " << fault.word << " is " << fault.value;
  }
  PlanWriter small = writer;
  small.arena -= 4;
  EXPECT_EQ(refusal(small), reason(kReaches));
  for (std::size_t kept = 1; kept < writer.words.size(); ++kept) {
    PlanWriter cut = writer;
    cut.words.resize(kept);
    EXPECT_EQ(refusal(cut), reason("one that ends too early")) << kept << " words";
  }
}

// 4 rows of 5 values.
PlanWriter quantisation(const std::vector<std::int64_t>& words, std::int64_t arena) {
  PlanWriter writer;
  writer.input = 4 * 4 * 5;
  writer.arena = arena;
  writer.operation({});
  writer.words = words;
  return writer;
}

TEST(NativeReadInt8, RefusesWrongQuantisation) {
  // A range for two rows: 32 bytes of codes, 16 bytes of ranges.
  const PlanWriter writer = quantisation({10, 4, 5, 2, 2, 0, 5, -1, 0, 32, 0}, 32 + 16);
  expect_faults(writer, {{1, 0, kZero},
                         {1, 6, kReaches},
                         {1, 3, "ranges of rows that are left over"},
                         {2, 0, kZero},
                         {2, 9, kReaches},
                         {2, kHuge, kReaches},
                         {3, 0, kZero},
                         {3, 3, "ranges of rows that are left over"},
                         {3, 8, "ranges of rows that are left over"},
                         {3, 1, kReaches},
                         {4, 3, "memory that is not for this"},
                         {6, 6, kReaches},
                         {8, 20, kReaches},
                         {8, 18, kReaches},
                         {8, -4, "a number that is out of range"},
                         {9, 36, kReaches},
                         {9, 2, kReaches},
                         {10, 2, kUnknown}});
}

TEST(NativeReadInt8, RefusesWrongPadding) {
  const PlanWriter writer = quantisation({10, 4, 5, 4, 2, 0, 5, -1, 0, 32, 1, 40}, 32 + 8 + 8);
  expect_faults(writer, {{3, 2, "padding of more than one range"},
                         {3, 1, kReaches},
                         {11, 44, kReaches},
                         {11, 42, kReaches}});
}

// Adds weights of so many panels and fours of depth, scales and totals; returns the words for
// `int8_weights`.
std::vector<std::int64_t> weights(PlanWriter& writer, std::int64_t panels, std::int64_t fours) {
  const std::int64_t codes = writer.constant(std::vector<std::int8_t>(panels * fours * 64));
  const std::int64_t scales = writer.constant(std::vector<float>(panels * 16));
  return {codes, scales, writer.constant(std::vector<float>(panels * 16))};
}

TEST(NativeReadInt8, RefusesWrongLinearLayers) {
  PlanWriter writer;  // 4 rows of 5 codes, a range for two rows, 3 columns
  writer.arena = 32 + 16;
  writer.output = 4 * 4 * 3;
  const auto layer = weights(writer, 1, 2);
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  writer.operation(
      {11, 4, 5, 3, 2, 0, 32, layer[0], layer[1], layer[2], -1, 0, -1, 0, 3, 0, 3, -1});
  expect_faults(
      writer,
      {{1, 5, kReaches},       {1, kHuge, kReaches},    {2, 13, kReaches},  {2, kHuge, kReaches},
       {3, 17, kBeyond},       {3, 4, kReaches},        {4, 0, kZero},      {4, 1, kReaches},
       {5, 20, kReaches},      {5, 2, kReaches},        {6, 36, kReaches},  {6, 30, kReaches},
       {7, -1, kBeyond},       {7, all, kBeyond},       {7, 2, kBeyond},    {8, -1, kBeyond},
       {9, all - 60, kBeyond}, {10, all - 60, kBeyond}, {11, 10, kUnknown}, {16, 4, kReaches}});
}

TEST(NativeReadInt8, RefusesWrongConvolutions) {
  PlanWriter writer;  // a map of 5 x 4 pixels of 5 codes, 3 x 2 windows of 3 x 3, 2 columns
  writer.arena = 8 + 8 + 5 * 4 * 8;
  writer.output = 4 * 3 * 2 * 2;
  const auto layer = weights(writer, 1, 9 * 2);
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  writer.operation({12, 0, 16, 5, 4,        5,        32,       8,  3, 2,  3, 3, 2, 2, 1,
                    1,  2, 0,  8, layer[0], layer[1], layer[2], -1, 0, -1, 0, 3, 0, 2, -1});
  expect_faults(writer, {{1, 2, "codes that are not in the arena"},
                         {1, 1, "codes that are not in the arena"},
                         {2, 20, kReaches},
                         {2, 18, kReaches},
                         {3, 6, kReaches},
                         {4, 5, kReaches},
                         {5, 9, kReaches},
                         {5, 8193, "too many channels"},
                         {6, 33, kReaches},
                         // Codes are read four at a time, from pixels at any place.
                         {7, 9, kReaches},
                         {8, 4, kReaches},
                         {10, 86, "too large a window"},
                         {10, 4, kBeyond},
                         {12, 0, kZero},
                         {16, 17, kBeyond},
                         {16, 3, kReaches},
                         {17, 172, kReaches},
                         {18, 172, kReaches},
                         {18, 2, kReaches},
                         {19, all, kBeyond},
                         {20, all, kBeyond},
                         {21, all, kBeyond}});
}

constexpr char kGaps[] = "a ring with gaps";
constexpr char kNoRow[] = "an output row of no input row";
constexpr char kOtherSize[] = "an input added to another size";

// A map of 5 x 4 pixels: 3 values, 2 channels between, 4 columns; windows of 3 x 3, two jobs. The
// expanding layer begins at word 16, the projecting one at word 31.
PlanWriter inverted(const std::vector<std::int64_t>& expand,
                    const std::vector<std::int64_t>& project, PlanWriter writer) {
  const std::int64_t taps = writer.constant(std::vector<float>(9 * 2));
  writer.output = 4 * 20 * 4;
  writer.operation({13, 0, 0, 5, 4, 2, 8, 2, 5, 4, 3, 3, 1, 1, 1, 1});
  writer.words.insert(writer.words.end(), expand.begin(), expand.end());
  writer.words.insert(writer.words.end(), {taps, -1, 0, 1, 0});
  writer.words.insert(writer.words.end(), project.begin(), project.end());
  writer.words.insert(writer.words.end(), {-1, 0, -1, 0, 3, 0, 4, -1, 2});
  return writer;
}

TEST(NativeReadInt8, RefusesWrongInvertedResiduals) {
  PlanWriter writer;
  writer.input = 4 * 20 * 3;
  writer.arena = 2 * (128 + 64);  // for each job: three rows of the map, one row of the output
  const std::int64_t wide = writer.constant(std::vector<float>(3 * 16));
  const std::int64_t narrow = writer.constant(std::vector<float>(2 * 16));
  writer = inverted({0, 3, 2, 2, 0, 3, -1, wide, -1, 0}, {0, 4, narrow}, writer);
  writer.words.push_back(0);
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  expect_faults(writer, {{1, 4, kUnknown},
                         {3, 6, kReaches},
                         {4, 5, kGaps},
                         {5, 3, kGaps},
                         {6, 9, kGaps},
                         {6, 7, kGaps},
                         {7, 3, kGaps},
                         {8, 8, kNoRow},
                         {8, 4, kOtherSize},
                         {9, 3, kOtherSize},
                         {12, 2, kNoRow},
                         {14, 3, kNoRow},
                         {14, 2, kOtherSize},
                         {16, 2, kUnknown},
                         {17, 4, kReaches},
                         {18, 3, "a ring of other channels"},
                         {18, 1, "a ring of other channels"},
                         {19, 3, "memory that is not for this"},
                         {20, 4, kReaches},
                         {23, all, kBeyond},
                         {24, all, kBeyond},
                         {25, 10, kUnknown},
                         {26, all, kBeyond},
                         {27, all, kBeyond},
                         {28, 10, kUnknown},
                         {29, 2, kUnknown},
                         {30, -1, kUnknown},
                         {31, 2, kUnknown},
                         {32, 5, kReaches},
                         {33, all, kBeyond},
                         {38, 2, "memory that is not for this"},
                         {40, 5, kReaches},
                         {42, 0, kZero},
                         {42, 3, kReaches},
                         {42, kHuge, "a size that is too large"},
                         {43, 4, kReaches}});
  // Without the addition the output may have another size.
  writer.words[29] = 0;
  writer.words[9] = 3;
  EXPECT_EQ(refusal(writer), "");
}

TEST(NativeReadInt8, RefusesWrongInvertedResidualsOfCodes) {
  PlanWriter writer;
  writer.arena = 80 + 160 + 2 * (128 + 64 + 64 + 64);
  const auto wide = weights(writer, 1, 1), narrow = weights(writer, 1, 1);
  writer = inverted({1, 3, 2, 0, 80, wide[0], wide[1], wide[2], -1, 0},
                    {1, 4, narrow[0], narrow[1], narrow[2]}, writer);
  writer.words.push_back(240);
  const auto all = static_cast<std::int64_t>(writer.constants.size());
  expect_faults(writer, {{17, 200, kReaches},
                         {18, 3, "a ring of other channels"},
                         {19, 804, kReaches},
                         {19, 2, kReaches},
                         {20, 724, kReaches},
                         {20, 82, kReaches},
                         {21, all, kBeyond},
                         {22, all, kBeyond},
                         {23, all, kBeyond},
                         {32, 5, kReaches},
                         {33, -1, kBeyond},
                         {34, all, kBeyond},
                         {35, all, kBeyond},
                         {44, 3, kReaches},
                         {45, 244, kReaches}});
  // The map is so large that twice its pixels do not fit in 64 bits.
  writer.words[3] = writer.words[4] = writer.words[6] = kHuge;
  writer.words[5] = writer.words[7] = 1;
  EXPECT_EQ(refusal(writer), reason("a size that is too large"));
}

}  // namespace
}  // namespace hvit_edge::native::testing
