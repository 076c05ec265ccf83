#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "artifact.h"
#include "c_api.h"
#include "color_frame.h"
#include "hvit_edge/detector.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::contains;
using testing::data_path;
using testing::Reason;

class CApiDetector : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hve_detector_open(data_path(testing::kDetect).c_str(), nullptr, &handle_, reason_),
              HVE_OK)
        << reason_.text();
    owned_.reset(handle_);
    image_ = testing::rgb_image(frame_.bytes, ColorFrame::kWidth, ColorFrame::kHeight);
  }
  hve_status detect(const hve_detect_options* options, std::size_t capacity = 12) {
    count_ = 99;
    return hve_detector_detect(handle_, &image_, options, found_, capacity, &count_, reason_);
  }
  void expect_refused(const hve_detect_options& options, const std::string& part) {
    EXPECT_EQ(detect(&options), HVE_INVALID_ARGUMENT) << part;
    EXPECT_PRED2(contains, reason_.text(), part);
    EXPECT_EQ(count_, 0U);
  }

  ColorFrame frame_;
  hve_image image_ = HVE_IMAGE_INIT;
  hve_detection found_[12] = {};
  std::size_t count_ = 0;
  hve_detector* handle_ = nullptr;
  testing::OwnedDetector owned_;
  Reason reason_;
};

TEST_F(CApiDetector, GivesWhatTheCppDetectorGives) {
  Result<Detector> reference = Detector::load(data_path(testing::kDetect));
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  options.score_threshold = 0.05F;
  options.iou_threshold = 0.4F;
  options.candidates = 7;
  options.max_detections = 9;
  DetectOptions same;
  same.score_threshold = 0.05F;
  same.iou_threshold = 0.4F;
  same.candidates = 7;
  same.max_detections = 9;
  std::vector<Detection> expected;
  for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
    image_.rotation = turn % 4 * 90;
    image_.mirror = turn / 4;
    ASSERT_TRUE(reference->detect(frame_.view(turn), expected, same).ok());
    ASSERT_EQ(detect(&options), HVE_OK) << reason_.text();
    ASSERT_EQ(count_, expected.size());
    ASSERT_GT(count_, 4U);
    for (std::size_t i = 0; i < count_; ++i) {
      EXPECT_EQ(found_[i].index, expected[i].index);
      EXPECT_EQ(found_[i].score, expected[i].score);
      EXPECT_EQ(found_[i].x, expected[i].x);
      EXPECT_EQ(found_[i].y, expected[i].y);
      EXPECT_EQ(found_[i].width, expected[i].width);
      EXPECT_EQ(found_[i].height, expected[i].height);
      EXPECT_EQ(found_[i].label, reference->label(expected[i].index));
      EXPECT_EQ(found_[i].label_size, std::strlen(found_[i].label));
    }
  }
}

// The cells of the frame that are red or blue, moved and narrowed by the offsets of make_tasks.py.
TEST_F(CApiDetector, FindsTheColorsInPlace) {
  ASSERT_EQ(detect(nullptr), HVE_OK) << reason_.text();
  ASSERT_EQ(count_, 4U);
  std::sort(found_, found_ + 4, [](const hve_detection& a, const hve_detection& b) {
    return std::pair(a.y, a.x) < std::pair(b.y, b.x);
  });
  struct Cell {
    const char* label;
    int index, column, row;
  };
  const Cell cells[] = {{"red", 1, 0, 0}, {"red", 1, 0, 1}, {"blue", 3, 1, 3}, {"blue", 3, 2, 3}};
  for (int i = 0; i < 4; ++i) {
    const Cell& cell = cells[i];
    const hve_detection& box = found_[i];
    const double width = 32 * std::exp(-1 * 0.2);
    const double center_x = 32 * (cell.column + 0.5) + 0.5 * 0.1 * 32;
    const double upper = 32 * cell.row - 0.5 * 0.1 * 32;
    EXPECT_STREQ(box.label, cell.label);
    EXPECT_EQ(box.index, cell.index);
    EXPECT_NEAR(box.x, center_x - width / 2, 0.01);
    EXPECT_NEAR(box.width, width, 0.01);
    EXPECT_NEAR(box.y, std::max(upper, 0.0), 0.01);
    EXPECT_NEAR(box.y + box.height, upper + 32, 0.01);
    EXPECT_GT(box.score, 0.9);
  }
}

TEST_F(CApiDetector, FindsNothingWithoutAFailure) {
  const std::vector<std::uint8_t> gray(3 * 8 * 8, 128);
  image_ = testing::rgb_image(gray, 8, 8);
  EXPECT_EQ(detect(nullptr), HVE_OK) << reason_.text();
  EXPECT_EQ(count_, 0U);
}

TEST_F(CApiDetector, NeedsNoMoreRoomThanTheNetworkHasBoxes) {
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  options.max_detections = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(hve_detector_max_detections(handle_, &options, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 10U * 3);  // the candidates of the artifact, in three classes
  options.candidates = 2;
  EXPECT_EQ(hve_detector_max_detections(handle_, &options, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 2U * 3);
  options.candidates = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(hve_detector_max_detections(handle_, &options, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 12U * 3);  // the anchors
}

TEST_F(CApiDetector, ReportsTheRoomItNeeds) {
  EXPECT_EQ(detect(nullptr, 3), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, 4U);
  EXPECT_EQ(found_[0].label, nullptr);
  EXPECT_EQ(hve_detector_max_detections(handle_, nullptr, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 5U);
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  options.max_detections = 2;
  EXPECT_EQ(hve_detector_max_detections(handle_, &options, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 2U);
  EXPECT_EQ(hve_detector_detect(handle_, &image_, &options, nullptr, 0, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 2U);
  EXPECT_EQ(detect(&options, 2), HVE_OK);
  EXPECT_EQ(count_, 2U);
  EXPECT_EQ(hve_detector_detect(handle_, &image_, nullptr, nullptr, 3, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_detector_detect(handle_, &image_, nullptr, found_, 5, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_detector_detect(handle_, nullptr, nullptr, found_, 5, &count_, reason_),
            HVE_INVALID_ARGUMENT);
}

TEST_F(CApiDetector, RefusesOptionsThatCannotBe) {
  for (const float threshold : {1.5F, std::numeric_limits<float>::quiet_NaN()}) {
    hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
    options.score_threshold = threshold;
    expect_refused(options, "expected score_threshold of 0 to 1");
    options = HVE_DETECT_OPTIONS_INIT;
    options.iou_threshold = threshold;
    expect_refused(options, "expected iou_threshold of 0 to 1");
  }
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  options.candidates = -1;
  expect_refused(options, "expected candidates of at least 1, got -1");
  options = HVE_DETECT_OPTIONS_INIT;
  options.max_detections = -2;
  expect_refused(options, "expected max_detections of at least 1, got -2");
  EXPECT_EQ(hve_detector_max_detections(handle_, &options, &count_, reason_), HVE_INVALID_ARGUMENT);
  options = HVE_DETECT_OPTIONS_INIT;
  options.struct_size = 4;
  expect_refused(options, "expected a struct_size of");
  struct Newer {
    hve_detect_options options;
    std::uint64_t unknown = 0;
  } newer{HVE_DETECT_OPTIONS_INIT};
  newer.options.struct_size = sizeof(newer);
  EXPECT_EQ(detect(&newer.options), HVE_OK) << reason_.text();
  newer.unknown = 1;
  expect_refused(newer.options, "members that this library does not know");
}

TEST_F(CApiDetector, LabelsOutliveTheCall) {
  ASSERT_EQ(detect(nullptr), HVE_OK);
  const hve_detection first = found_[0];
  const std::string label(first.label);
  ASSERT_EQ(detect(nullptr), HVE_OK);
  EXPECT_EQ(found_[0].label, first.label);
  EXPECT_EQ(label, first.label);
}

TEST_F(CApiDetector, RefusesOtherHandlesAndTasks) {
  auto* embedder = reinterpret_cast<hve_embedder*>(handle_);
  EXPECT_EQ(hve_embedder_close(&embedder, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected an embedder, got a detector");
  hve_detector* other = nullptr;
  EXPECT_EQ(hve_detector_open(data_path(testing::kEmbed).c_str(), nullptr, &other, reason_),
            HVE_INVALID_ARTIFACT);
  EXPECT_PRED2(contains, reason_.text(),
               "expected an artifact of the task detect, got one of the task embed");
  hve_detector* handle = owned_.release();
  EXPECT_EQ(hve_detector_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(hve_detector_detect(handle, &image_, nullptr, found_, 5, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a detector, got NULL");
}

TEST_F(CApiDetector, ServesThreadsOneAfterTheOther) {
  std::vector<int> same(4, 0);
  std::vector<std::thread> threads;
  for (int& count : same) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        hve_detection found[5];
        std::size_t boxes = 0;
        const hve_status status =
            hve_detector_detect(handle_, &image_, nullptr, found, 5, &boxes, nullptr);
        count += status == HVE_OK && boxes == 4 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 25));
}

TEST(CApiDetectorOpen, OpensFromMemory) {
  const std::vector<std::uint8_t> artifact = testing::read_file(data_path(testing::kDetect));
  Reason reason;
  hve_detector* handle = nullptr;
  ASSERT_EQ(hve_detector_open_memory(artifact.data(), artifact.size(), nullptr, &handle, reason),
            HVE_OK)
      << reason.text();
  const testing::OwnedDetector owned(handle);
  hve_session* session = nullptr;
  ASSERT_EQ(hve_detector_session(handle, &session, reason), HVE_OK);
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(session, &result, reason), HVE_OK) << reason.text();
  EXPECT_EQ(result.passed, 1);
}

}  // namespace
}  // namespace hvit_edge
