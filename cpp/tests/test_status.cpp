#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "executorch/explain.h"
#include "guard.h"
#include "hvit_edge/status.h"

namespace hvit_edge {
namespace {

using executorch::runtime::Error;

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

TEST(Explain, NamesCodeCauseAndRemedy) {
  const Status status = explain(Error::NotFound, "Session.load", "load the method forward",
                                "Backend Foo is not registered");
  EXPECT_EQ(status.code(), StatusCode::missing_backend);
  EXPECT_EQ(status.message(),
            "[Session.load] expected to load the method forward, got ExecuTorch error 0x20 "
            "(Error::NotFound: Backend Foo is not registered); a backend or method is not in this "
            "runtime; link the backend that the program's target names, or compile for xnnpack");
}

TEST(Explain, MapsErrorsToCodes) {
  EXPECT_EQ(explain(Error::OperatorMissing, "a", "b", "").code(), StatusCode::missing_backend);
  EXPECT_EQ(explain(Error::InvalidProgram, "a", "b", "").code(), StatusCode::invalid_artifact);
  EXPECT_EQ(explain(Error::MemoryAllocationFailed, "a", "b", "").code(), StatusCode::out_of_memory);
  EXPECT_EQ(explain(Error::InvalidArgument, "a", "b", "").code(), StatusCode::execution_failed);
  EXPECT_EQ(explain(Error::Internal, "a", "b", "").code(), StatusCode::execution_failed);
}

TEST(Explain, KnowsWhatXnnpackSaysWhereMemoryRunsOut) {
  const Status status = explain(Error::Internal, "a", "b",
                                "XNN Runtime creation failed with code: xnn_status_out_of_memory");
  EXPECT_EQ(status.code(), StatusCode::out_of_memory);
  EXPECT_NE(status.message().find("(Error::Internal: XNN Runtime creation"), std::string::npos);
  EXPECT_NE(status.message().find("; close other applications"), std::string::npos);
}

}  // namespace
}  // namespace hvit_edge
