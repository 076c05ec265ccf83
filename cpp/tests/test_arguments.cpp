#include <gtest/gtest.h>

#include "arguments.h"

namespace hvit_edge {
namespace {

const CommandRule kRule = {{"MODEL", "PHOTO"}, {{"--top-k", 5, 1, 9}, {"--threads", 0, 0, 4}}};

Result<Arguments> parse(const std::vector<std::string>& words) {
  return parse_arguments("classify", kRule, words);
}

void expect_refused(const std::vector<std::string>& words, const std::string& part) {
  const Result<Arguments> arguments = parse(words);
  ASSERT_FALSE(arguments.ok());
  EXPECT_EQ(arguments.status().code(), StatusCode::invalid_argument);
  const std::string& message = arguments.status().message();
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_NE(message.find("usage: classify MODEL PHOTO [--top-k 5] [--threads 0]"),
            std::string::npos);
}

TEST(Arguments, OptionsStandAnywhere) {
  const Result<Arguments> arguments = parse({"--top-k", "3", "a", "--threads", "4", "b"});
  ASSERT_TRUE(arguments.ok()) << arguments.status().message();
  EXPECT_EQ(arguments->operands, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(arguments->options.at("--top-k"), 3);
  EXPECT_EQ(arguments->options.at("--threads"), 4);
}

TEST(Arguments, OptionsHaveStandards) {
  const Result<Arguments> arguments = parse({"a", "b"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->options.at("--top-k"), 5);
  EXPECT_EQ(arguments->options.at("--threads"), 0);
}

TEST(Arguments, AllAreOperandsAfterTwoDashes) {
  const Result<Arguments> arguments = parse({"--", "--top-k", "-"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->operands, (std::vector<std::string>{"--top-k", "-"}));
}

TEST(Arguments, RefusesWrongNumbersOfOperands) {
  expect_refused({}, "expected 2 operands, got 0");
  expect_refused({"a", "b", "c"}, "expected 2 operands, got 3");
}

TEST(Arguments, RefusesUnknownOptions) {
  expect_refused({"a", "b", "--fast", "1"}, "expected a known option, got --fast");
  expect_refused({"a", "b", "-k", "1"}, "got -k");
}

TEST(Arguments, RefusesOtherThanWholeNumbersInRange) {
  expect_refused({"a", "b", "--top-k"}, "expected a whole number from 1 to 9, got nothing");
  for (const char* value : {"", "0", "10", "-1", "2.5", "3x", " 3", "+3", "99999999999", "x"}) {
    expect_refused({"a", "b", "--top-k", value}, "expected a whole number from 1 to 9, got ");
  }
}

}  // namespace
}  // namespace hvit_edge
