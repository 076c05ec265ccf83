// An artifact of several methods, see test_methods.cpp, through the C interface.
#include <gtest/gtest.h>

#include "artifact.h"
#include "c_api.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

std::string path() { return std::string(HVIT_EDGE_TEST_DATA) + "/methods_v1.pte"; }

class CApiMethods : public ::testing::Test {
 protected:
  std::string method(hve_session* session) {
    char data[32];
    hve_text text = HVE_TEXT(data);
    EXPECT_EQ(hve_session_text(session, HVE_TEXT_METHOD, &text, reason_), HVE_OK);
    return data;
  }
  std::int64_t integer(hve_session* session, int field) {
    std::int64_t value = -1;
    EXPECT_EQ(hve_session_integer(session, field, &value, reason_), HVE_OK) << reason_.text();
    return value;
  }
  std::vector<std::int64_t> shape(hve_session* session, int side) {
    std::vector<std::int64_t> sides(4);
    std::size_t rank = 0;
    EXPECT_EQ(hve_session_tensor_shape(session, side, 0, sides.data(), 4, &rank, reason_), HVE_OK);
    sides.resize(rank);
    return sides;
  }
  testing::OwnedSession open(const char* name) {
    hve_options options = HVE_OPTIONS_INIT;
    options.method = name;
    hve_session* session = nullptr;
    EXPECT_EQ(hve_session_open(path().c_str(), &options, &session, reason_), HVE_OK)
        << reason_.text();
    return testing::OwnedSession(session);
  }

  Reason reason_;
};

TEST_F(CApiMethods, AreListedSelectedAndRun) {
  const testing::OwnedSession session = open(nullptr);
  std::size_t count = 0;
  ASSERT_EQ(hve_session_list_count(session.get(), HVE_LIST_METHODS, &count, reason_), HVE_OK);
  ASSERT_EQ(count, 6U);
  EXPECT_EQ(method(session.get()), "32x32");
  for (std::size_t i = 0; i < count; ++i) {
    char name[32];
    hve_text text = HVE_TEXT(name);
    ASSERT_EQ(hve_session_list_text(session.get(), HVE_LIST_METHODS, i, &text, reason_), HVE_OK);
    ASSERT_EQ(hve_session_select(session.get(), name, reason_), HVE_OK) << reason_.text();
    EXPECT_EQ(method(session.get()), name);
    const std::int64_t batch = integer(session.get(), HVE_INTEGER_BATCH);
    EXPECT_EQ(batch, i < 3 ? 1 : 3);
    EXPECT_EQ(shape(session.get(), HVE_INPUT),
              (std::vector<std::int64_t>{batch, 3, integer(session.get(), HVE_INTEGER_INPUT_HEIGHT),
                                         integer(session.get(), HVE_INTEGER_INPUT_WIDTH)}));
    EXPECT_EQ(shape(session.get(), HVE_OUTPUT), (std::vector<std::int64_t>{batch, 7}));
    hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
    EXPECT_EQ(hve_session_self_test(session.get(), &result, reason_), HVE_OK) << reason_.text();
    EXPECT_EQ(result.passed, 1) << name;
  }
}

TEST_F(CApiMethods, AnOptionNamesTheMethod) {
  EXPECT_EQ(method(open("24x32").get()), "24x32");
  EXPECT_EQ(method(open("").get()), "32x32");
  hve_options options = HVE_OPTIONS_INIT;
  options.method = "24x33";
  hve_session* session = nullptr;
  EXPECT_EQ(hve_session_open(path().c_str(), &options, &session, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(session, nullptr);
  EXPECT_TRUE(contains(reason_.text(), "did you mean '24x32'?")) << reason_.text();
}

// A caller that was compiled before `method` was added has a shorter struct.
TEST_F(CApiMethods, OptionsOfAnOlderHeaderHaveNoMethod) {
  hve_options options = HVE_OPTIONS_INIT;
  options.struct_size = offsetof(hve_options, method);
  options.method = "24x32";
  hve_session* session = nullptr;
  ASSERT_EQ(hve_session_open(path().c_str(), &options, &session, reason_), HVE_OK);
  const testing::OwnedSession owned(session);
  EXPECT_EQ(method(session), "32x32");
}

TEST_F(CApiMethods, AnArtifactOfOneMethodHasNone) {
  const testing::OwnedSession session = testing::open_session(testing::tiny_path());
  std::size_t count = 9;
  ASSERT_EQ(hve_session_list_count(session.get(), HVE_LIST_METHODS, &count, reason_), HVE_OK);
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(method(session.get()), "");
  EXPECT_EQ(integer(session.get(), HVE_INTEGER_BATCH), 1);
  EXPECT_EQ(hve_session_select(session.get(), "32x24", reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiMethods, AClassifierFollowsItsImages) {
  const testing::OwnedClassifier classifier = testing::open_classifier(path());
  ASSERT_NE(classifier, nullptr);
  hve_session* session = nullptr;
  ASSERT_EQ(hve_classifier_session(classifier.get(), &session, reason_), HVE_OK);
  const std::vector<std::uint8_t> bytes = testing::some_bytes(3 * 80 * 60);
  hve_prediction first, later;
  std::size_t count = 0;
  hve_image image = testing::rgb_image(bytes, 80, 60);
  ASSERT_EQ(hve_classifier_classify(classifier.get(), &image, 1, &first, 1, &count, reason_),
            HVE_OK)
      << reason_.text();
  EXPECT_EQ(method(session), "24x32");
  const std::string label = first.label;
  image.rotation = 90;
  ASSERT_EQ(hve_classifier_classify(classifier.get(), &image, 1, &later, 1, &count, reason_),
            HVE_OK);
  EXPECT_EQ(method(session), "32x24");
  EXPECT_EQ(first.label, label);  // valid until the classifier is closed
  EXPECT_EQ(hve_session_select(session, "32x32", reason_), HVE_INVALID_ARGUMENT);
  EXPECT_TRUE(contains(reason_.text(), "open the classifier with hve_options.method"));
}

TEST_F(CApiMethods, RefusesWhatIsNoName) {
  const testing::OwnedSession session = open(nullptr);
  EXPECT_EQ(hve_session_select(session.get(), nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_TRUE(contains(reason_.text(), "got NULL; pass one of HVE_LIST_METHODS"));
  EXPECT_EQ(hve_session_select(nullptr, "32x32", reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(method(session.get()), "32x32");
}

}  // namespace
}  // namespace hvit_edge
