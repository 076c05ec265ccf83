#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "text.h"

namespace hvit_edge {
namespace {

TEST(Text, JoinsValuesOfAllKinds) {
  const std::size_t size = 4;
  EXPECT_EQ(concat("a", std::string("b"), 'c', 1, -2L, 3U, size, true), "abc1-2341");
  EXPECT_EQ(concat(), "");
}

class TextNumbers : public ::testing::TestWithParam<double> {};

TEST_P(TextNumbers, AreWrittenAsStreamsWriteThem) {
  std::ostringstream stream;
  stream << GetParam() << ' ' << static_cast<float>(GetParam());
  EXPECT_EQ(concat(GetParam(), ' ', static_cast<float>(GetParam())), stream.str());
}

INSTANTIATE_TEST_SUITE_P(All, TextNumbers,
                         ::testing::Values(0.0, 0.1, -2.5, 1e-7, 100000.0, 1234567.0, 1e300,
                                           std::numeric_limits<double>::infinity(),
                                           -std::numeric_limits<double>::infinity()));

TEST(Text, HasAPointInEveryLocale) {
  std::string text;
  append_digits(text, "-1,5e-07");
  EXPECT_EQ(text, "-1.5e-07");
  text.clear();
  append_digits(text,
                "2\xD9\xAB"
                "5");  // the decimal separator of Arabic, two bytes in UTF-8
  EXPECT_EQ(text, "2.5");
}

}  // namespace
}  // namespace hvit_edge
