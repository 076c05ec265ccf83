#include <gtest/gtest.h>

#include "artifact.h"
#include "c_api.h"
#include "color_frame.h"
#include "hvit_edge/segmenter.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::contains;
using testing::data_path;
using testing::Reason;

constexpr std::size_t kPixels = ColorFrame::kWidth * ColorFrame::kHeight;

class CApiSegmenter : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hve_segmenter_open(data_path(testing::kSegment).c_str(), nullptr, &handle_, reason_),
              HVE_OK)
        << reason_.text();
    owned_.reset(handle_);
    image_ = testing::rgb_image(frame_.bytes, ColorFrame::kWidth, ColorFrame::kHeight);
  }
  hve_status segment(std::size_t capacity, std::size_t confidence_capacity) {
    count_ = 99;
    return hve_segmenter_segment(handle_, &image_, classes_.data(), capacity, confidence_.data(),
                                 confidence_capacity, &count_, reason_);
  }

  ColorFrame frame_;
  hve_image image_ = HVE_IMAGE_INIT;
  std::vector<std::uint8_t> classes_ = std::vector<std::uint8_t>(kPixels, 77);
  std::vector<float> confidence_ = std::vector<float>(kPixels, -1.0F);
  std::size_t count_ = 0;
  hve_segmenter* handle_ = nullptr;
  testing::OwnedSegmenter owned_;
  Reason reason_;
};

TEST_F(CApiSegmenter, GivesWhatTheCppSegmenterGives) {
  Result<Segmenter> reference = Segmenter::load(data_path(testing::kSegment));
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  SegmentOptions options;
  options.confidence = true;
  Mask mask;
  for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
    image_.rotation = turn % 4 * 90;
    image_.mirror = turn / 4;
    ASSERT_TRUE(reference->segment(frame_.view(turn), mask, options).ok());
    ASSERT_EQ(segment(kPixels, kPixels), HVE_OK) << reason_.text();
    EXPECT_EQ(count_, kPixels);
    EXPECT_EQ(classes_, mask.classes);
    EXPECT_EQ(confidence_, mask.confidence);
  }
}

// The mask overlays the frame's memory, however the frame is turned.
TEST_F(CApiSegmenter, FindsTheColorsInPlace) {
  for (const int turn : {0, 2, 4, 6}) {  // quarter turns stretch the frame the other way
    image_.rotation = turn % 4 * 90;
    image_.mirror = turn / 4;
    ASSERT_EQ(segment(kPixels, kPixels), HVE_OK) << reason_.text();
    int compared = 0;
    for (int y = 0; y < ColorFrame::kHeight; ++y) {
      for (int x = 0; x < ColorFrame::kWidth; ++x) {
        if (ColorFrame::is_at_border(x, y)) continue;
        ++compared;
        const auto at = static_cast<std::size_t>(y * ColorFrame::kWidth + x);
        ASSERT_EQ(classes_[at], ColorFrame::class_at(x, y)) << turn << ": " << x << ", " << y;
        ASSERT_GT(confidence_[at], 0.6);
        ASSERT_LE(confidence_[at], 1);
      }
    }
    EXPECT_GT(compared, 2000);
  }
}

TEST_F(CApiSegmenter, LeavesTheConfidenceOut) {
  EXPECT_EQ(hve_segmenter_segment(handle_, &image_, classes_.data(), kPixels, nullptr, 0, &count_,
                                  reason_),
            HVE_OK)
      << reason_.text();
  EXPECT_EQ(count_, kPixels);
  EXPECT_EQ(classes_[0], 1);
  EXPECT_EQ(confidence_[0], -1.0F);
}

TEST_F(CApiSegmenter, ReportsTheRoomItNeeds) {
  EXPECT_EQ(segment(kPixels - 1, kPixels), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, kPixels);
  EXPECT_EQ(segment(kPixels, kPixels - 1), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, kPixels);
  EXPECT_EQ(classes_[0], 77);
  EXPECT_EQ(confidence_[0], -1.0F);
  EXPECT_EQ(hve_segmenter_segment(handle_, &image_, nullptr, 0, nullptr, 0, &count_, reason_),
            HVE_OK);
  EXPECT_EQ(count_, kPixels);
  EXPECT_EQ(hve_segmenter_segment(handle_, &image_, nullptr, 0, confidence_.data(), kPixels,
                                  &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a buffer for the classes, got NULL");
  EXPECT_EQ(count_, 0U);
  EXPECT_EQ(hve_segmenter_segment(handle_, &image_, nullptr, 5, nullptr, 0, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_segmenter_segment(handle_, &image_, classes_.data(), kPixels, nullptr, 0, nullptr,
                                  reason_),
            HVE_INVALID_ARGUMENT);
  image_.width = 0;
  EXPECT_EQ(segment(kPixels, kPixels), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(count_, 0U);
}

TEST_F(CApiSegmenter, KnowsItsClassesAndColors) {
  std::size_t classes = 0;
  EXPECT_EQ(hve_segmenter_class_count(handle_, &classes, reason_), HVE_OK);
  EXPECT_EQ(classes, 4U);
  std::uint8_t colors[12] = {};
  EXPECT_EQ(hve_segmenter_colors(handle_, nullptr, 0, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 12U);
  EXPECT_EQ(hve_segmenter_colors(handle_, colors, 11, &count_, reason_), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(hve_segmenter_colors(handle_, colors, 12, &count_, reason_), HVE_OK);
  const std::uint8_t expected[12] = {0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255};
  EXPECT_TRUE(std::equal(colors, colors + 12, expected));
  hve_session* session = nullptr;
  ASSERT_EQ(hve_segmenter_session(handle_, &session, reason_), HVE_OK);
  char data[16];
  hve_text text = HVE_TEXT(data);
  EXPECT_EQ(hve_session_list_text(session, HVE_LIST_LABELS, 3, &text, reason_), HVE_OK);
  EXPECT_STREQ(data, "blue");
  EXPECT_EQ(hve_session_text(session, HVE_TEXT_NORMALIZE, &text, reason_), HVE_OK);
  EXPECT_STREQ(data, "");
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(session, &result, reason_), HVE_OK) << reason_.text();
  EXPECT_EQ(result.passed, 1);
}

TEST_F(CApiSegmenter, RefusesOtherHandlesAndTasks) {
  auto* session = reinterpret_cast<hve_session*>(handle_);
  EXPECT_EQ(hve_session_close(&session, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a session, got a segmenter");
  hve_segmenter* other = nullptr;
  EXPECT_EQ(hve_segmenter_open(testing::tiny_path().c_str(), nullptr, &other, reason_),
            HVE_INVALID_ARTIFACT);
  EXPECT_PRED2(contains, reason_.text(),
               "expected an artifact of the task segment, got one of the task classify");
  hve_segmenter* handle = owned_.release();
  EXPECT_EQ(hve_segmenter_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(hve_segmenter_class_count(handle, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a segmenter, got NULL");
}

TEST(CApiSegmenterOpen, OpensFromMemory) {
  const std::vector<std::uint8_t> artifact = testing::read_file(data_path(testing::kSegment));
  Reason reason;
  hve_segmenter* handle = nullptr;
  ASSERT_EQ(hve_segmenter_open_memory(artifact.data(), artifact.size(), nullptr, &handle, reason),
            HVE_OK)
      << reason.text();
  const testing::OwnedSegmenter owned(handle);
  std::size_t classes = 0;
  EXPECT_EQ(hve_segmenter_class_count(handle, &classes, reason), HVE_OK);
  EXPECT_EQ(classes, 4U);
}

}  // namespace
}  // namespace hvit_edge
