#include <gtest/gtest.h>

#include <set>

#include "artifact.h"
#include "c_api.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/status.h"
#include "hvit_edge/version.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

TEST(CApiVersion, IsThatOfTheHeaders) {
  EXPECT_EQ(hve_abi_version(), std::uint32_t{HVE_ABI_VERSION});
  EXPECT_STREQ(hve_version(), HVIT_EDGE_VERSION);
  EXPECT_STREQ(hve_version(), version());
  EXPECT_EQ(std::to_string(HVIT_EDGE_VERSION_MAJOR) + "." +
                std::to_string(HVIT_EDGE_VERSION_MINOR) + "." +
                std::to_string(HVIT_EDGE_VERSION_PATCH),
            HVIT_EDGE_VERSION);
}

TEST(CApiStatus, HasTheNamesOfStatusCode) {
  for (int code = HVE_OK; code <= HVE_INTERNAL; ++code) {
    EXPECT_STREQ(hve_status_name(code), to_string(static_cast<StatusCode>(code)));
  }
  EXPECT_STREQ(hve_status_name(HVE_BUFFER_TOO_SMALL), "buffer_too_small");
  for (const int code : {-1, 8, 99, 101}) EXPECT_STREQ(hve_status_name(code), "unknown");
}

TEST(CApiThreads, AreThoseOfTheProcess) {
  Reason reason;
  ASSERT_EQ(hve_set_threads(2, reason), HVE_OK) << reason.text();
  EXPECT_EQ(reason.text(), "");
  EXPECT_EQ(hve_threads(), 2);
  for (const int count : {-1, 1025}) {
    EXPECT_EQ(hve_set_threads(count, reason), HVE_INVALID_ARGUMENT);
    EXPECT_PRED2(contains, reason.text(), "[set_threads] expected 0 (auto) to 1024 threads");
  }
  EXPECT_EQ(hve_threads(), 2);
  ASSERT_EQ(hve_set_threads(0, nullptr), HVE_OK);
  EXPECT_EQ(hve_threads(), hve_auto_threads());
}

TEST(CApiBackends, AreListed) {
  Reason reason;
  std::size_t count = 0;
  ASSERT_EQ(hve_backend_count(&count, reason), HVE_OK) << reason.text();
  std::set<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    char data[64];
    hve_text name = HVE_TEXT(data);
    ASSERT_EQ(hve_backend_name(i, &name, reason), HVE_OK) << reason.text();
    names.insert(data);
  }
  EXPECT_EQ(names.count("HvitEdgeBackend"), 1U);
  EXPECT_EQ(names.count("XnnpackBackend"), testing::kSmall ? 0U : 1U);
  hve_text name = {nullptr, 0, 9};
  EXPECT_EQ(hve_backend_name(count, &name, reason), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(name.size, 0U);
  EXPECT_EQ(hve_backend_name(0, nullptr, reason), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_backend_count(nullptr, reason), HVE_INVALID_ARGUMENT);
}

// Returns a message with a path, cut by a buffer that ends inside it.
std::string cut_message(std::size_t capacity, std::size_t* size = nullptr) {
  std::vector<char> data(capacity + 1, '!');
  hve_text error = {data.data(), capacity, 0};
  hve_session* session = nullptr;
  hve_session_open("/no/\xc3\xa9\xc3\xa9.pte", nullptr, &session, &error);
  EXPECT_EQ(data[capacity], '!');
  if (size != nullptr) *size = error.size;
  return capacity == 0 ? "" : data.data();
}

TEST(CApiError, IsCutBetweenCharacters) {
  std::size_t size = 0;
  const std::string whole = cut_message(500, &size);
  EXPECT_EQ(whole.size(), size);
  const std::size_t first = whole.find("\xc3\xa9");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(cut_message(first + 4), whole.substr(0, first + 2));
  EXPECT_EQ(cut_message(first + 3), whole.substr(0, first + 2));
  EXPECT_EQ(cut_message(first + 2), whole.substr(0, first));
  EXPECT_EQ(cut_message(1), "");
  EXPECT_EQ(cut_message(0, &size), "");
  EXPECT_EQ(size, whole.size());
}

TEST(CApiError, NeedsNoRoom) {
  hve_text nowhere = {nullptr, 100, 0};
  hve_session* session = nullptr;
  EXPECT_EQ(hve_session_open("/no/such.pte", nullptr, &session, &nowhere), HVE_INVALID_ARGUMENT);
  EXPECT_GT(nowhere.size, 0U);
}

}  // namespace
}  // namespace hvit_edge
