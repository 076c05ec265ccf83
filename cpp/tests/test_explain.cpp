#include <gtest/gtest.h>

#include "executorch/explain.h"

namespace hvit_edge {
namespace {

using executorch::runtime::Error;

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
