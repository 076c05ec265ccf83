#include <gtest/gtest.h>

#include "numbered_clock.h"

namespace hvit_edge {
namespace {

TEST(NumberedClock, FindsTheReadsAroundOperators) {
  const auto found = reads_of({{"a", -5000, -4000}, {"b", -4000, -1000}, {"c", 1000, 2000}}, 9);
  ASSERT_TRUE(found.ok()) << found.status().message();
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].name, "a");
  EXPECT_EQ((*found)[0].first, 1);
  EXPECT_EQ((*found)[0].last, 2);
  EXPECT_EQ((*found)[1].last, 5);   // three reads of the operator itself
  EXPECT_EQ((*found)[2].first, 7);  // in another delegate
  EXPECT_EQ((*found)[2].last, 8);
}

// Each of them is between two reads of its own, before, between and after delegates.
TEST(NumberedClock, FindsTheReadsAroundOperatorsOutsideDelegates) {
  const auto found = reads_of({{"instruction 0", 500, 1500},
                               {"a", 2500, 4500},
                               {"b", 4500, 5500},
                               {"instruction 2", 7500, 8500},
                               {"instruction 3", 9500, 10500}},
                              11);
  ASSERT_TRUE(found.ok()) << found.status().message();
  const std::int64_t expected[][2] = {{0, 1}, {3, 5}, {5, 6}, {7, 8}, {9, 10}};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ((*found)[i].first, expected[i][0]) << i;
    EXPECT_EQ((*found)[i].last, expected[i][1]) << i;
  }
}

// Our own backend reports the reads themselves.
TEST(NumberedClock, FindsTheReadsOfOurOwnBackend) {
  const auto found = reads_of({{"Linear a", 1000, 2000},
                               {"instruction 1", 3000, 4000},
                               {"Linear b", 6000, 7000},
                               {"Linear c", 7000, 8000}},
                              9);
  ASSERT_TRUE(found.ok()) << found.status().message();
  const std::int64_t expected[][2] = {{1, 2}, {3, 4}, {6, 7}, {7, 8}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*found)[i].first, expected[i][0]) << i;
    EXPECT_EQ((*found)[i].last, expected[i][1]) << i;
  }
}

void refuse(const std::vector<OperatorTime>& operators, std::int64_t reads) {
  const auto found = reads_of(operators, reads);
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.status().message().find("reads of the clock around"), std::string::npos)
      << found.status().message();
}

TEST(NumberedClock, RefusesOtherReads) {
  refuse({}, 0);
  refuse({}, 2);
  refuse({{"a", 0, 1000}}, 4);                     // one too many
  refuse({{"a", 0, 1000}}, 2);                     // one too few
  refuse({{"a", 0, 1000}, {"b", 2000, 3000}}, 5);  // one between the operators
  refuse({{"a", 0, 0}, {"b", 0, 1000}}, 3);        // none after the first
  refuse({{"a", 0, 1000}, {"b", 0, 1000}}, 3);     // out of order
  refuse({{"instruction 1", 0, 1000}, {"instruction 2", 3000, 4000}}, 5);  // one between them
}

}  // namespace
}  // namespace hvit_edge
