#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "json_writer.h"

namespace hvit_edge {
namespace {

template <typename T>
std::string written(const T& value) {
  const std::string json = JsonWriter().field("x", value).finish();
  return json.substr(5, json.size() - 6);
}

TEST(JsonWriter, WritesAnObjectOnOneLine) {
  JsonWriter json;
  json.field("a", true).field("b", std::vector<int>{1, -2}).field("c", std::vector<double>{});
  json.begin_list("d");
  for (const char* name : {"x", "y"}) {
    json.begin_object();
    json.field("name", name).field("size", std::uint64_t{1} << 63);
    json.end_object();
  }
  json.end_list();
  json.field("e", 7);
  EXPECT_EQ(json.finish(),
            R"({"a":true,"b":[1,-2],"c":[],"d":[{"name":"x","size":9223372036854775808},)"
            R"({"name":"y","size":9223372036854775808}],"e":7})");
  EXPECT_EQ(JsonWriter().finish(), "{}");
}

TEST(JsonWriter, NumbersReadBackAsTheSame) {
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(0.1F), "0.1");
  EXPECT_EQ(written(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(written(1.0F / 3), "0.33333334");
  EXPECT_EQ(written(1e300), "1e+300");
}

TEST(JsonWriter, NumbersThatJsonLacksBecomeNull) {
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(written(-std::numeric_limits<float>::infinity()), "null");
  EXPECT_EQ(written(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}), "[1,null]");
}

TEST(JsonWriter, TextIsEscaped) {
  EXPECT_EQ(written("say \"a\\b\""), R"("say \"a\\b\"")");
  EXPECT_EQ(written("\n\t\x01\x7f"), R"("\n\t\u0001\u007f")");
  EXPECT_EQ(written(std::string("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonWriter, TextStaysUtf8) {
  EXPECT_EQ(written("h\u00f8ne \u9e21 \U0001F414"), "\"h\u00f8ne \u9e21 \U0001F414\"");
  // A lone continuation byte, a cut character, an overlong form, a surrogate, beyond U+10FFFF.
  EXPECT_EQ(written("\x80"), R"("\ufffd")");
  EXPECT_EQ(written("\xe9\xb8"), R"("\ufffd\ufffd")");
  EXPECT_EQ(written("\xc0\xaf"), R"("\ufffd\ufffd")");
  EXPECT_EQ(written("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(written("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

}  // namespace
}  // namespace hvit_edge
