// The list of methods in metadata: its form, the search by name, and the choice by aspect ratio.
#include <gtest/gtest.h>

#include "artifact/method_list.h"

namespace hvit_edge {
namespace {

std::vector<MethodInfo> parsed(const std::string& text) {
  std::vector<MethodInfo> methods;
  EXPECT_EQ(parse_methods(text, methods), "");
  return methods;
}

std::string fault(const std::string& text) {
  std::vector<MethodInfo> methods;
  return parse_methods(text, methods);
}

TEST(MethodList, HasALineForEachMethod) {
  EXPECT_TRUE(parsed("").empty());
  const std::vector<MethodInfo> methods =
      parsed("256x256\t1\t256\t256\n320x240-batch4\t4\t320\t240");
  ASSERT_EQ(methods.size(), 2U);
  EXPECT_EQ(methods[1].name, "320x240-batch4");
  EXPECT_EQ(methods[1].batch, 4);
  EXPECT_EQ(methods[1].height, 320);
  EXPECT_EQ(methods[1].width, 240);
}

TEST(MethodList, RefusesLinesOfAnotherForm) {
  for (const char* text :
       {"a", "a\t1\t2", "a\t1\t2\t3\t4", "\t1\t2\t3", "a\t0\t2\t3", "a\t1\t-2\t3", "a\t1\t2\t3x",
        "a\t1\t2\t99999999999", "a\t1\t2\t3\n", "a\t 1\t2\t3"}) {
    EXPECT_EQ(fault(text).find("expected lines name<TAB>batch<TAB>height<TAB>width, got '"), 0U)
        << text;
  }
  EXPECT_EQ(fault("a\t1\t2\t3\na\t2\t2\t3"), "expected different names, got two a");
}

TEST(MethodList, FindsAMethodOrNamesTheClosest) {
  const std::vector<MethodInfo> methods = parsed("256x256\t1\t256\t256\n320x240\t1\t320\t240");
  EXPECT_EQ(find_method(methods, "320x240", "Session.select").value(), 1U);
  const Status status = find_method(methods, "320x24", "Session.select").status();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(status.message(),
            "[Session.select] expected one of the methods 256x256, 320x240, got '320x24'; did you "
            "mean '320x240'?");
  EXPECT_EQ(find_method({}, "256x256", "Session.load").status().message(),
            "[Session.load] expected no method for an artifact of one input size, got '256x256'; "
            "leave the method out");
}

TEST(MethodList, LosesTheLeastOfAPhoto) {
  const std::vector<MethodInfo> methods = parsed(
      "256\t1\t256\t256\ntall\t1\t320\t240\nwide\t1\t240\t320\n384\t1\t384\t384\nmany\t4\t9\t16");
  const auto chosen = [&](int width, int height) {
    return methods[static_cast<std::size_t>(method_for(methods, width, height))].name;
  };
  EXPECT_EQ(chosen(100, 100), "256");  // 384 keeps as much, but comes later
  EXPECT_EQ(chosen(640, 480), "wide");
  EXPECT_EQ(chosen(480, 640), "tall");
  EXPECT_EQ(chosen(16, 9), "wide");  // a batch is never chosen
  EXPECT_EQ(chosen(1, 10000), "tall");
  // A photo of w x h keeps h/w of itself in a square and 4h/3w or 3w/4h in "wide": both are equal
  // at w/h = sqrt(4/3), 1.1547.
  EXPECT_EQ(chosen(1154, 1000), "256");
  EXPECT_EQ(chosen(1155, 1000), "wide");
  EXPECT_EQ(method_for(parsed("many\t4\t9\t16"), 16, 9), -1);
}

}  // namespace
}  // namespace hvit_edge
