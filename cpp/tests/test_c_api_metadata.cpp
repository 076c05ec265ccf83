#include <gtest/gtest.h>

#include "artifact.h"
#include "c_api.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

class CApiMetadata : public ::testing::Test {
 protected:
  void SetUp() override {
    owned_ = testing::open_session(testing::tiny_path());
    ASSERT_NE(owned_, nullptr);
    handle_ = owned_.get();
  }

  std::string text(int field) {
    char data[128] = "unset";
    hve_text text = HVE_TEXT(data);
    EXPECT_EQ(hve_session_text(handle_, field, &text, reason_), HVE_OK) << reason_.text();
    EXPECT_EQ(std::strlen(data), text.size);
    return data;
  }
  std::int64_t integer(int field) {
    std::int64_t value = -1;
    EXPECT_EQ(hve_session_integer(handle_, field, &value, reason_), HVE_OK) << reason_.text();
    return value;
  }
  std::vector<double> numbers(int field) {
    std::vector<double> values(8);
    std::size_t count = 99;
    EXPECT_EQ(hve_session_numbers(handle_, field, values.data(), 8, &count, reason_), HVE_OK);
    values.resize(count);
    return values;
  }
  std::vector<std::string> list(int which) {
    std::vector<std::string> items;
    std::size_t count = 0;
    EXPECT_EQ(hve_session_list_count(handle_, which, &count, reason_), HVE_OK);
    for (std::size_t i = 0; i < count; ++i) {
      char data[64];
      hve_text item = HVE_TEXT(data);
      EXPECT_EQ(hve_session_list_text(handle_, which, i, &item, reason_), HVE_OK);
      items.emplace_back(data, item.size);
    }
    return items;
  }

  testing::OwnedSession owned_;
  hve_session* handle_ = nullptr;
  Reason reason_;
};

// The metadata that tests/runtime/conftest.py wrote into the artifact.
TEST_F(CApiMetadata, TellsWhatWasWritten) {
  EXPECT_EQ(text(HVE_TEXT_MODEL_NAME), "tiny");
  EXPECT_EQ(text(HVE_TEXT_TASK), "classify");
  EXPECT_EQ(text(HVE_TEXT_TARGET), testing::kTarget);
  EXPECT_EQ(text(HVE_TEXT_PRECISION), "fp32");
  EXPECT_EQ(text(HVE_TEXT_CREATED), "2026-11-21T10:00:00Z");
  EXPECT_EQ(text(HVE_TEXT_WEIGHTS_SOURCE), "random");
  EXPECT_EQ(text(HVE_TEXT_WEIGHTS_SHA256), std::string(64, '0'));
  EXPECT_EQ(text(HVE_TEXT_RESIZE), "shortest");
  EXPECT_EQ(text(HVE_TEXT_INTERPOLATION), "bicubic");
  EXPECT_EQ(text(HVE_TEXT_CHANNEL_ORDER), "BGR");
  EXPECT_EQ(integer(HVE_INTEGER_SCHEMA_VERSION), 1);
  EXPECT_EQ(integer(HVE_INTEGER_INPUT_HEIGHT), 32);
  EXPECT_EQ(integer(HVE_INTEGER_INPUT_WIDTH), 24);
  EXPECT_EQ(integer(HVE_INTEGER_RESIZE_SIZE), 36);
  EXPECT_EQ(integer(HVE_INTEGER_PARITY_TOP1_AGREE), 1);
  EXPECT_GT(integer(HVE_INTEGER_PLANNED_MEMORY), 0);
  EXPECT_EQ(numbers(HVE_NUMBERS_MEAN), (std::vector<double>{0.485F, 0.456F, 0.406F}));
  EXPECT_EQ(numbers(HVE_NUMBERS_STD), (std::vector<double>{0.229F, 0.224F, 0.225F}));
  EXPECT_EQ(numbers(HVE_NUMBERS_PARITY), (std::vector<double>{1e-7, 1e-6, 1.0}));
  EXPECT_EQ(numbers(HVE_NUMBERS_GOLDEN_TOLERANCE), std::vector<double>{1e-4});
  EXPECT_EQ(numbers(HVE_NUMBERS_LAYER_SQNR), std::vector<double>());
  EXPECT_EQ(list(HVE_LIST_LABELS),
            (std::vector<std::string>{"aa", "b\xc3\xa9", "c c", "d", "e", "f", "g"}));
  EXPECT_EQ(list(HVE_LIST_VERSIONS),
            (std::vector<std::string>{"hvit-edge=0.1.0", "torch=2.13.0", "executorch=1.5.1"}));
  EXPECT_EQ(list(HVE_LIST_LAYERS), std::vector<std::string>());
}

TEST_F(CApiMetadata, AgreesWithTheCppSession) {
  const Result<Session> reference = Session::load(testing::tiny_path());
  ASSERT_TRUE(reference.ok());
  EXPECT_EQ(integer(HVE_INTEGER_PLANNED_MEMORY),
            static_cast<std::int64_t>(reference->planned_memory_bytes()));
  EXPECT_EQ(list(HVE_LIST_LABELS), reference->metadata().labels);
}

TEST_F(CApiMetadata, ReportsTheRoomThatTextNeeds) {
  char data[8] = "before";
  hve_text exact = {data, 4, 0};
  EXPECT_EQ(hve_session_text(handle_, HVE_TEXT_MODEL_NAME, &exact, reason_), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(exact.size, 4U);
  EXPECT_STREQ(data, "before");
  exact.capacity = 5;
  EXPECT_EQ(hve_session_text(handle_, HVE_TEXT_MODEL_NAME, &exact, reason_), HVE_OK);
  EXPECT_STREQ(data, "tiny");
  hve_text query = {nullptr, 0, 0};
  EXPECT_EQ(hve_session_text(handle_, HVE_TEXT_MODEL_NAME, &query, reason_), HVE_OK);
  EXPECT_EQ(query.size, 4U);
  query.capacity = 9;
  EXPECT_EQ(hve_session_text(handle_, HVE_TEXT_MODEL_NAME, &query, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(query.size, 0U);
  double means[2] = {5, 5};
  std::size_t count = 0;
  EXPECT_EQ(hve_session_numbers(handle_, HVE_NUMBERS_MEAN, means, 2, &count, reason_),
            HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(means[0], 5);
}

TEST_F(CApiMetadata, RefusesUnknownFields) {
  hve_text text = {nullptr, 0, 9};
  std::int64_t value = 0;
  std::size_t count = 9;
  for (const int field : {-1, HVE_TEXT_NORMALIZE + 1, 1 << 30}) {
    EXPECT_EQ(hve_session_text(handle_, field, &text, reason_), HVE_INVALID_ARGUMENT);
    EXPECT_PRED2(contains, reason_.text(), "expected a known field, got");
    EXPECT_EQ(text.size, 0U);
    EXPECT_EQ(hve_session_integer(handle_, field, &value, reason_), HVE_INVALID_ARGUMENT);
    EXPECT_EQ(hve_session_numbers(handle_, field, nullptr, 0, &count, reason_),
              HVE_INVALID_ARGUMENT);
    EXPECT_EQ(hve_session_list_count(handle_, field, &count, reason_), HVE_INVALID_ARGUMENT);
    EXPECT_EQ(count, 0U);
    EXPECT_EQ(hve_session_list_text(handle_, field, 0, &text, reason_), HVE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(hve_session_list_text(handle_, HVE_LIST_LABELS, 7, &text, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected an index below 7, got 7");
}

TEST_F(CApiMetadata, RefusesPlacesThatAreNotThere) {
  EXPECT_EQ(hve_session_text(handle_, 0, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_integer(handle_, 0, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_numbers(handle_, 0, nullptr, 0, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_list_count(handle_, 0, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_list_text(handle_, 0, 0, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_list_text(nullptr, 0, 0, nullptr, nullptr), HVE_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace hvit_edge
