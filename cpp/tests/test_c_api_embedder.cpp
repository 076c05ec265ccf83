#include <gtest/gtest.h>

#include <cmath>

#include "artifact.h"
#include "c_api.h"
#include "color_frame.h"
#include "hvit_edge/embedder.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::contains;
using testing::data_path;
using testing::Reason;

class CApiEmbedder : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hve_embedder_open(data_path(testing::kEmbed).c_str(), nullptr, &handle_, reason_),
              HVE_OK)
        << reason_.text();
    owned_.reset(handle_);
    image_ = testing::rgb_image(frame_.bytes, ColorFrame::kWidth, ColorFrame::kHeight);
  }

  ColorFrame frame_;
  hve_image image_ = HVE_IMAGE_INIT;
  float embedding_[5] = {};
  std::size_t count_ = 0;
  hve_embedder* handle_ = nullptr;
  testing::OwnedEmbedder owned_;
  Reason reason_;
};

TEST_F(CApiEmbedder, GivesWhatTheCppEmbedderGives) {
  Result<Embedder> reference = Embedder::load(data_path(testing::kEmbed));
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
    image_.rotation = turn % 4 * 90;
    image_.mirror = turn / 4;
    const Result<const std::vector<float>*> expected = reference->embed(frame_.view(turn));
    ASSERT_TRUE(expected.ok()) << expected.status().message();
    ASSERT_EQ(hve_embedder_embed(handle_, &image_, embedding_, 5, &count_, reason_), HVE_OK)
        << reason_.text();
    ASSERT_EQ(count_, 5U);
    double squares = 0;
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(embedding_[i], (**expected)[static_cast<std::size_t>(i)]);
      squares += embedding_[i] * embedding_[i];
    }
    EXPECT_NEAR(squares, 1, 1e-6);  // hve_normalize is "l2"
  }
}

// make_tasks.py: 2 x + 0.5 and sums of two channels + 0.5, divided by the length.
TEST_F(CApiEmbedder, GivesTheVectorOfAPlainFrame) {
  const std::vector<std::uint8_t> red = [] {
    std::vector<std::uint8_t> bytes(3 * 8 * 8, 0);
    for (std::size_t i = 0; i < bytes.size(); i += 3) bytes[i] = 255;
    return bytes;
  }();
  const hve_image image = testing::rgb_image(red, 8, 8);
  ASSERT_EQ(hve_embedder_embed(handle_, &image, embedding_, 5, &count_, reason_), HVE_OK);
  const double features[] = {2.5, -1.5, -1.5, 0.5, -1.5};
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(embedding_[i], features[i] / std::sqrt(13.25), 1e-5);
}

TEST_F(CApiEmbedder, ReportsTheRoomItNeeds) {
  std::size_t size = 0;
  EXPECT_EQ(hve_embedder_size(handle_, &size, reason_), HVE_OK);
  EXPECT_EQ(size, 5U);
  embedding_[0] = 7;
  EXPECT_EQ(hve_embedder_embed(handle_, &image_, embedding_, 4, &count_, reason_),
            HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, 5U);
  EXPECT_EQ(embedding_[0], 7);
  EXPECT_EQ(hve_embedder_embed(handle_, &image_, nullptr, 0, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 5U);
  EXPECT_EQ(hve_embedder_embed(handle_, &image_, nullptr, 5, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(count_, 0U);
  EXPECT_EQ(hve_embedder_embed(handle_, &image_, embedding_, 5, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_embedder_embed(handle_, nullptr, embedding_, 5, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected an image, got NULL");
  EXPECT_EQ(hve_embedder_size(handle_, nullptr, reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiEmbedder, TellsItsTask) {
  hve_session* session = nullptr;
  ASSERT_EQ(hve_embedder_session(handle_, &session, reason_), HVE_OK);
  char data[16];
  hve_text text = HVE_TEXT(data);
  EXPECT_EQ(hve_session_text(session, HVE_TEXT_TASK, &text, reason_), HVE_OK);
  EXPECT_STREQ(data, "embed");
  EXPECT_EQ(hve_session_text(session, HVE_TEXT_NORMALIZE, &text, reason_), HVE_OK);
  EXPECT_STREQ(data, "l2");
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(session, &result, reason_), HVE_OK) << reason_.text();
  EXPECT_EQ(result.passed, 1);
  EXPECT_EQ(hve_session_close(&session, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(reason_.text(),
            "[hve_session_close] expected a session that was opened, got one of an embedder; close "
            "the embedder");
  EXPECT_EQ(hve_session_select(session, "any", reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "open the embedder with hve_options.method");
}

TEST_F(CApiEmbedder, RefusesOtherHandles) {
  auto* classifier = reinterpret_cast<hve_classifier*>(handle_);
  EXPECT_EQ(hve_classifier_class_count(classifier, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a classifier, got an embedder");
  auto* segmenter = reinterpret_cast<hve_segmenter*>(handle_);
  EXPECT_EQ(hve_segmenter_class_count(segmenter, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a segmenter, got an embedder");
  auto* detector = reinterpret_cast<hve_detector*>(handle_);
  EXPECT_EQ(hve_detector_max_detections(detector, nullptr, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a detector, got an embedder");
  EXPECT_EQ(hve_detector_close(&detector, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_embedder_size(nullptr, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected an embedder, got NULL");
}

TEST_F(CApiEmbedder, IsNullOnceClosed) {
  hve_embedder* handle = owned_.release();
  EXPECT_EQ(hve_embedder_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(handle, nullptr);
  EXPECT_EQ(hve_embedder_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(hve_embedder_close(nullptr, reason_), HVE_OK);
  EXPECT_EQ(hve_embedder_embed(handle, &image_, embedding_, 5, &count_, reason_),
            HVE_INVALID_ARGUMENT);
}

TEST(CApiEmbedderOpen, RefusesOtherTasksByTheirNames) {
  struct Case {
    std::string path;
    const char* part;
  };
  for (const Case& c :
       {Case{testing::tiny_path(), "got one of the task classify; use Classifier"},
        Case{data_path(testing::kSegment), "got one of the task segment; use Segmenter"},
        Case{data_path(testing::kDetect), "got one of the task detect; use Detector"}}) {
    Reason reason;
    hve_embedder* handle = nullptr;
    EXPECT_EQ(hve_embedder_open(c.path.c_str(), nullptr, &handle, reason), HVE_INVALID_ARTIFACT);
    EXPECT_EQ(handle, nullptr);
    EXPECT_PRED2(contains, reason.text(), "expected an artifact of the task embed");
    EXPECT_PRED2(contains, reason.text(), c.part);
  }
  Reason reason;
  hve_classifier* handle = nullptr;
  EXPECT_EQ(hve_classifier_open(data_path(testing::kEmbed).c_str(), nullptr, &handle, reason),
            HVE_INVALID_ARTIFACT);
  EXPECT_PRED2(contains, reason.text(), "got one of the task embed; use Embedder");
}

TEST(CApiEmbedderOpen, OpensFromMemory) {
  std::vector<std::uint8_t> artifact = testing::read_file(data_path(testing::kEmbed));
  Reason reason;
  hve_embedder* handle = nullptr;
  ASSERT_EQ(hve_embedder_open_memory(artifact.data(), artifact.size(), nullptr, &handle, reason),
            HVE_OK)
      << reason.text();
  const testing::OwnedEmbedder owned(handle);
  std::fill(artifact.begin(), artifact.end(), std::uint8_t{0});
  std::size_t size = 0;
  EXPECT_EQ(hve_embedder_size(handle, &size, reason), HVE_OK);
  EXPECT_EQ(size, 5U);
  EXPECT_EQ(hve_embedder_open_memory(nullptr, 0, nullptr, &handle, reason), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(handle, nullptr);
}

TEST(CApiCosine, IsThatOfTheAngle) {
  const float a[] = {3, 4, 0};
  const float b[] = {4, 3, 0};
  const float opposite[] = {-6, -8, 0};
  const float none[] = {0, 0, 0};
  EXPECT_NEAR(hve_cosine_similarity(a, b, 3), 24.0 / 25, 1e-6);
  EXPECT_NEAR(hve_cosine_similarity(a, opposite, 3), -1, 1e-6);
  EXPECT_EQ(hve_cosine_similarity(a, none, 3), 0);
  EXPECT_EQ(hve_cosine_similarity(a, nullptr, 3), 0);
  EXPECT_EQ(hve_cosine_similarity(nullptr, b, 3), 0);
}

}  // namespace
}  // namespace hvit_edge
