#include <gtest/gtest.h>

#include "artifact.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/threads.h"

namespace hvit_edge {
namespace {

TEST(Threads, AreSetForTheProcess) {
  for (const int count : {1, 3, 2}) {
    ASSERT_TRUE(set_threads(count).ok());
    EXPECT_EQ(threads(), count);
  }
  ASSERT_TRUE(set_threads(0).ok());
  EXPECT_EQ(threads(), auto_threads());
  EXPECT_GE(auto_threads(), 1);
}

TEST(Threads, ImpossibleNumbersAreRefused) {
  for (const int count : {-1, 1025, -2147483647}) {
    const Status status = set_threads(count);
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_NE(status.message().find("expected 0 (auto) to 1024 threads"), std::string::npos);
  }
}

TEST(Backends, AreLinkedInBeforeAnythingIsLoaded) {
  EXPECT_TRUE(backend_available("HvitEdgeBackend"));
  EXPECT_EQ(backend_available("XnnpackBackend"), !testing::kSmall);
  EXPECT_FALSE(backend_available("NoSuchBackend"));
  std::vector<std::string> expected = {"XnnpackBackend", "HvitEdgeBackend"};
  if (testing::kSmall) expected.erase(expected.begin());
  EXPECT_EQ(registered_backends(), expected);
}

}  // namespace
}  // namespace hvit_edge
