// The operations of versions 2 and 3 that read_plan accepts, and the reason for each refusal.
#include <gtest/gtest.h>

#include <limits>

#include "native_plan.h"

namespace hvit_edge::native::testing {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 31;
constexpr char kUnknown[] = "a kind that is unknown";
constexpr char kReaches[] = "memory beyond what it asks for";
constexpr char kNoMemory[] = "memory that is not for this";
constexpr char kTooLarge[] = "a size that is too large";
constexpr char kNothing[] = "a size of zero";
constexpr char kInfinite[] = "a number that is not finite";
constexpr char kOutOfRange[] = "a number that is out of range";

Status refusal(const PlanWriter& writer) {
  const std::vector<std::int64_t> data = writer.bytes();
  return read_plan(data.data(), 8 * data.size()).status();
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

// `writer` is accepted; with any of `faults`, cut short, or as a plan of version 1, it is refused.
void expect_faults(const PlanWriter& writer, const std::vector<Fault>& faults) {
  ASSERT_TRUE(refusal(writer).ok()) << refusal(writer).message();
  for (const Fault& fault : faults) {
    SCOPED_TRACE(::testing::Message() << "word " << fault.word << " is " << fault.value);
    PlanWriter changed = writer;
    ASSERT_LT(fault.word, changed.words.size());
    changed.words[fault.word] = fault.value;
    EXPECT_EQ(refusal(changed).message(), reason(fault.why));
  }
  for (std::size_t kept = 1; kept < writer.words.size(); ++kept) {
    PlanWriter cut = writer;
    cut.words.resize(kept);
    EXPECT_EQ(refusal(cut).message(), reason("one that ends too early")) << kept << " words";
  }
  PlanWriter older = writer;
  older.version = kOldestVersion;
  EXPECT_EQ(refusal(older).message(), reason(kUnknown));
}

// Memory for exactly two rows of three values.
PlanWriter rows_of_three() {
  PlanWriter writer;
  writer.arena = writer.input = writer.output = 4 * 6;
  return writer;
}

TEST(NativeReadGeneral, RefusesWrongFunctions) {
  PlanWriter writer = rows_of_three();
  writer.operation({14, 3, bits(-1), bits(1), 2, 3, 2, 0, 3, -1, 3, 0, 3, -1});
  expect_faults(writer, {{1, kFunctions, kUnknown},
                         {2, bits(std::numeric_limits<double>::infinity()), kInfinite},
                         {3, bits(std::numeric_limits<double>::quiet_NaN()), kInfinite},
                         {4, 3, kReaches},
                         {4, 0, kNothing},
                         {5, 4, kReaches},
                         {6, 3, kNoMemory},
                         {7, 4, kReaches},
                         {8, 4, kReaches},
                         {10, 2, kNoMemory},
                         {11, 2, kReaches},
                         {12, 4, kReaches},
                         {12, kHuge + 1, kOutOfRange}});
}

TEST(NativeReadGeneral, RefusesWrongArithmetic) {
  PlanWriter writer = rows_of_three();
  writer.operation({15, 2, 2, 3, 0, 2, 0, 3, -1, 1, 0, 20, 0, -1, 9, 3, 0, 3, -1});
  expect_faults(writer, {{1, kArithmetics, kUnknown},
                         {2, 3, kReaches},
                         {3, 4, kReaches},
                         {4, 2, kUnknown},
                         {6, 4, kReaches},
                         {9, 0, kReaches},  // which no longer have one value each
                         {11, 24, kReaches},
                         {12, 1, kReaches},
                         {14, kActivations, kUnknown},
                         {15, 2, kNoMemory},
                         {17, 4, kReaches}});
}

TEST(NativeReadGeneral, RefusesWrongReductions) {
  PlanWriter writer = rows_of_three();
  writer.output = 4;
  writer.operation({16, 4, 1, bits(1), bits(0.5), 1, 2, 3, 2, 0, 3, -1, 3, 0, 1, -1});
  expect_faults(writer, {{1, kReduces, kUnknown},
                         {2, 0, kReaches},  // columns: there are three
                         {2, 2, kUnknown},
                         {3, bits(std::numeric_limits<double>::infinity()), kInfinite},
                         {5, 2, kReaches},
                         {5, 0, kNothing},
                         {6, 3, kReaches},
                         {6, kHuge, kReaches},
                         {7, 4, kReaches},
                         {9, 4, kReaches},
                         {12, 2, kNoMemory},
                         {13, 4, kReaches}});
  writer.words[5] = writer.words[6] = kHuge;
  EXPECT_EQ(refusal(writer).message(), reason(kTooLarge));
}

TEST(NativeReadGeneral, RefusesWrongSoftmax) {
  PlanWriter writer = rows_of_three();
  writer.operation({17, 1, 2, 3, 2, 0, 3, -1, 3, 0, 3, -1});
  expect_faults(writer, {{1, 2, kUnknown},
                         {2, 3, kReaches},
                         {3, 4, kReaches},
                         {4, 3, kNoMemory},
                         {8, 1, kNoMemory},
                         {9, 4, kReaches}});
}

TEST(NativeReadGeneral, RefusesWrongProducts) {
  PlanWriter writer;
  const std::int64_t zeros = writer.constant<std::int32_t>({0, 0});
  const std::int64_t ones = writer.constant<std::int32_t>({0, 1});
  const std::int64_t negative = writer.constant<std::int32_t>({0, -1});
  writer.input = 4 * 6;           // two rows of three, and three rows of two in the same memory
  writer.output = 4 * 4;          // two rows of two
  writer.arena = 4 * 2 * 16 * 3;  // two matrices in panels
  writer.operation({18, 2, 2, 3, 2, 2, 0, 3, zeros, 2, 0, 1, zeros, 3, bits(1), 3, 0, 2, zeros, 0});
  expect_faults(writer, {{1, 3, kReaches},
                         {1, 0, kNothing},
                         {2, 3, kReaches},
                         {3, 4, kReaches},
                         {4, 3, kReaches},
                         {5, 3, kNoMemory},
                         {6, 4, kReaches},
                         {7, 4, kReaches},
                         {8, ones, kReaches},
                         {8, negative, "a table with a negative place"},
                         {10, 4, kReaches},
                         {11, 2, kReaches},
                         {12, ones, kReaches},
                         {13, 4, kReaches},
                         {13, kHuge + 1, kOutOfRange},
                         {14, bits(std::numeric_limits<double>::quiet_NaN()), kInfinite},
                         {15, 2, kNoMemory},
                         {17, 3, kReaches},
                         {18, ones, kReaches},
                         {19, 4, kReaches}});
}

TEST(NativeReadGeneral, RefusesWrongChoices) {
  PlanWriter writer = rows_of_three();
  writer.operation({19, 2, 3, 0, 2, 0, 3, -1, 1, 0, 20, 0, -1, 0, 2, 0, 3, -1, 3, 0, 3, -1});
  expect_faults(writer, {{1, 3, kReaches},
                         {1, 0, kNothing},
                         {2, 4, kReaches},
                         {3, 2, kUnknown},
                         {5, 4, kReaches},
                         {8, 0, kReaches},  // which no longer have one value each
                         {10, 24, kReaches},
                         {11, 1, kReaches},
                         {14, 3, kNoMemory},
                         {16, 4, kReaches},
                         {18, 2, kNoMemory},
                         {20, 4, kReaches}});
  writer.version = 2;
  EXPECT_EQ(refusal(writer).message(), reason(kUnknown));
}

TEST(NativeReadGeneral, RefusesWrongTransposes) {
  PlanWriter writer = rows_of_three();
  const std::int64_t zeros = writer.constant<std::int32_t>({0, 0});
  const std::int64_t ones = writer.constant<std::int32_t>({0, 1});
  const std::int64_t negative = writer.constant<std::int32_t>({0, -1});
  writer.arena = 4 * 12;
  writer.operation({20, 2, 3, 2, 2, 0, 1, zeros, 3, 0});
  expect_faults(writer, {{1, 3, kReaches},
                         {1, 0, kNothing},
                         {2, 4, kReaches},
                         {3, 3, kReaches},
                         {3, 0, kNothing},
                         {4, 3, kNoMemory},
                         {5, 4, kReaches},
                         {6, 2, kReaches},
                         {7, ones, kReaches},
                         {7, negative, "a table with a negative place"},
                         {8, 4, kReaches},
                         {8, kHuge + 1, kOutOfRange},
                         {9, 4, kReaches}});
  writer.version = 2;
  EXPECT_EQ(refusal(writer).message(), reason(kUnknown));
}

TEST(NativeReadGeneral, ComparisonsAreNotInVersionTwo) {
  PlanWriter writer = rows_of_three();
  writer.operation({15, 7, 2, 3, 0, 2, 0, 3, -1, 1, 0, 20, 0, -1, 9, 3, 0, 3, -1});
  EXPECT_TRUE(refusal(writer).ok()) << refusal(writer).message();
  writer.version = 2;
  EXPECT_EQ(refusal(writer).message(), reason(kUnknown));
  writer.words[1] = 6;
  EXPECT_TRUE(refusal(writer).ok()) << refusal(writer).message();
}

TEST(NativeReadGeneral, ActivationsOfVersionTwoAreNotInVersionOne) {
  PlanWriter writer = rows_of_three();
  writer.operation({6, 2, 3, 2, 0, 3, -1, -1, bits(1), bits(1), 6, 3, 0, 3, -1});
  EXPECT_TRUE(refusal(writer).ok()) << refusal(writer).message();
  writer.version = kOldestVersion;
  EXPECT_EQ(refusal(writer).message(), reason(kUnknown));
  writer.words[10] = 3;
  EXPECT_TRUE(refusal(writer).ok()) << refusal(writer).message();
  writer.version = kOldestVersion - 1;
  EXPECT_EQ(refusal(writer).message(), reason("version 0"));
}

}  // namespace
}  // namespace hvit_edge::native::testing
