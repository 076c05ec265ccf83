#include <gtest/gtest.h>

#include "flat_sample.h"
#include "small/flat_buffer.h"

namespace hvit_edge::small {
namespace {

using testing::flat_sample;
using testing::put;

/// Everything in the sample, and the first fault.
struct Contents {
  std::uint32_t number = 0;
  std::string text;
  std::vector<std::int32_t> numbers;
  std::vector<int> items;
  std::string fault;
};

Contents read(const std::vector<std::uint8_t>& bytes) {
  // A copy of exactly this size: a sanitizer sees every read beyond it.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  FlatBuffer buffer(exact.data(), exact.size());
  const FlatTable root = buffer.root();
  Contents contents;
  contents.number = root.number<std::uint32_t>(0);
  contents.text = root.text(1);
  contents.numbers = root.numbers<std::int32_t>(2);
  for (const FlatTable& item : root.tables(3))
    contents.items.push_back(item.number<std::uint8_t>(0));
  if (buffer.ok()) buffer.check_overlaps();
  contents.fault = buffer.fault();
  return contents;
}

template <typename Number>
std::string fault_with(std::size_t place, Number number) {
  std::vector<std::uint8_t> bytes = flat_sample();
  put(bytes, place, number);
  return read(bytes).fault;
}

TEST(FlatBuffer, ReadsEveryKindOfField) {
  const Contents contents = read(flat_sample());
  EXPECT_EQ(contents.fault, "");
  EXPECT_EQ(contents.number, 7U);
  EXPECT_EQ(contents.text, "abc");
  EXPECT_EQ(contents.numbers, (std::vector<std::int32_t>{1, -2}));
  EXPECT_EQ(contents.items, (std::vector<int>{5, 6}));
}

TEST(FlatBuffer, GivesDefaultsForFieldsThatAreMissing) {
  const std::vector<std::uint8_t> bytes = flat_sample();
  FlatBuffer buffer(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const FlatTable root = buffer.root();
  EXPECT_EQ(root.number<std::int32_t>(9, 3), 3);
  EXPECT_EQ(root.text(9), "");
  EXPECT_TRUE(root.numbers<std::int64_t>(9).empty());
  EXPECT_TRUE(root.tables(9).empty());
  EXPECT_FALSE(root.table(9));
  EXPECT_FALSE(root.has(9));
  EXPECT_TRUE(root.has(0));
  EXPECT_EQ(buffer.fault(), "");
}

TEST(FlatBuffer, RefusesWhatIsBeyondItsEnd) {
  EXPECT_EQ(fault_with<std::uint32_t>(0, 200), "an offset beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(0, 0xFFFFFFFF), "an offset beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(28, 0), "an offset beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(28, 90), "an offset beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(40, 0xFFFFFFFF), "a vector beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(40, 60), "an object beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(48, 0x40000000), "a vector beyond its end");
  EXPECT_EQ(fault_with<std::uint32_t>(48, 13), "an object beyond its end");
  EXPECT_EQ(fault_with<std::int32_t>(20, 21), "a table whose fields are before its beginning");
  EXPECT_EQ(fault_with<std::int32_t>(20, -100), "a number beyond its end");
  EXPECT_EQ(fault_with<std::uint16_t>(10, 90), "an object beyond its end");
  EXPECT_EQ(fault_with<std::uint16_t>(8, 200), "an object beyond its end");
  EXPECT_EQ(fault_with<std::uint16_t>(12, 18), "a field beyond its table");
  EXPECT_EQ(fault_with<std::uint16_t>(12, 2), "a field beyond its table");
  EXPECT_EQ(fault_with<std::uint16_t>(8, 7), "a table without a list of fields");
  EXPECT_EQ(fault_with<std::uint16_t>(8, 2), "a table without a list of fields");
  EXPECT_EQ(fault_with<char>(47, 'd'), "a text without an end");
}

TEST(FlatBuffer, RefusesObjectsThatOverlap) {
  EXPECT_EQ(fault_with<std::uint32_t>(68, 80 - 68), "objects that overlap");  // a table twice
  EXPECT_EQ(fault_with<std::uint32_t>(32, 40 - 32), "objects that overlap");  // text as numbers
  EXPECT_EQ(fault_with<std::uint32_t>(48, 3), "objects that overlap");        // numbers too many
  EXPECT_EQ(fault_with<std::int32_t>(80, 80 - 12), "objects that overlap");   // a list in a list
}

TEST(FlatBuffer, SurvivesBeingCutAnywhere) {
  const std::vector<std::uint8_t> bytes = flat_sample();
  for (std::size_t size = 0; size < 93; ++size) {
    EXPECT_NE(read({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}).fault, "")
        << size;
  }
  EXPECT_EQ(read({bytes.begin(), bytes.begin() + 93}).fault, "");
}

// Vectors that all have the same bytes would give more numbers than the buffer has bytes.
TEST(FlatBuffer, ReadsNoMoreThanItsSize) {
  const std::vector<std::uint8_t> bytes = flat_sample();
  FlatBuffer buffer(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const FlatTable root = buffer.root();
  std::size_t reads = 0;
  while (buffer.ok() && reads < 100) {
    root.numbers<std::int32_t>(2);
    ++reads;
  }
  EXPECT_LT(reads, 8U);
  EXPECT_EQ(buffer.fault(), "objects that overlap");
}

}  // namespace
}  // namespace hvit_edge::small
