#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "guard.h"
#include "hvit_edge/status.h"

namespace hvit_edge {
namespace {

TEST(Status, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.message(), "");
}

TEST(Status, CarriesCodeAndMessage) {
  const Status status(StatusCode::invalid_argument, "[here] expected a, got b; do c");
  EXPECT_FALSE(status.ok());
  EXPECT_STREQ(to_string(status.code()), "invalid_argument");
  EXPECT_EQ(status.message(), "[here] expected a, got b; do c");
}

TEST(Result, CarriesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

TEST(Result, CarriesTheReasonOfFailure) {
  const Result<int> result(Status(StatusCode::internal, "why"));
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().message(), "why");
}

TEST(Guarded, TurnsExceptionsIntoStatuses) {
  const Status memory = guarded("Here", []() -> Status { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code(), StatusCode::out_of_memory);
  const Status other = guarded("Here", []() -> Status { throw std::runtime_error("odd"); });
  EXPECT_EQ(other.code(), StatusCode::internal);
  EXPECT_NE(other.message().find("[Here] expected no exception, got odd"), std::string::npos);
}

}  // namespace
}  // namespace hvit_edge
