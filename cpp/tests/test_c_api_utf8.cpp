#include <gtest/gtest.h>

#include <string>

#include "utf8.h"

namespace hvit_edge::capi {
namespace {

std::string written(std::string_view text) {
  std::string data(text.size() + 1, '!');
  write_utf8(text, data.data(), data.size());
  EXPECT_EQ(data.back(), '\0');
  data.pop_back();
  return data;
}

TEST(Utf8, KeepsEveryKindOfCharacter) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f";
  EXPECT_EQ(written(text), text);
  EXPECT_EQ(written("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");  // U+10FFFF, the last
  EXPECT_EQ(written(""), "");
}

// The cases of table 3-7 of the Unicode standard: one '?' for each byte.
TEST(Utf8, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(written("\x80"), "?");                  // a continuation byte by itself
  EXPECT_EQ(written("\xff"), "?");                  // never a lead byte
  EXPECT_EQ(written("\xc3"), "?");                  // cut
  EXPECT_EQ(written("\xe2\x82"), "?\?");            // cut
  EXPECT_EQ(written("\xc0\xaf"), "?\?");            // overlong
  EXPECT_EQ(written("\xe0\x80\xaf"), "??\?");       // overlong
  EXPECT_EQ(written("\xf0\x80\x80\xaf"), "???\?");  // overlong
  EXPECT_EQ(written("\xed\xa0\x80"), "??\?");       // surrogate
  EXPECT_EQ(written("\xf4\x90\x80\x80"), "???\?");  // above U+10FFFF
  EXPECT_EQ(written("\xc3(a"), "?(a");              // wrong continuation
  EXPECT_EQ(written(std::string_view("a\0b", 3)), std::string("a?b"));  // a NUL inside
}

TEST(Utf8, WritesNoFurtherThanTheRoom) {
  char data[4] = {'x', 'x', 'x', 'x'};
  write_utf8("a\xc3\xa9", data, 3);
  EXPECT_EQ(std::string(data), "a");
  EXPECT_EQ(data[3], 'x');
  write_utf8("abc", data, 0);
  EXPECT_EQ(std::string(data), "a");
}

}  // namespace
}  // namespace hvit_edge::capi
