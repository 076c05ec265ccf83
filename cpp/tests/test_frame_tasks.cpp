// FrameStream with every kind of result; test_frame_classifier.cpp tests what all kinds share.
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "artifact.h"
#include "held_model.h"

namespace hvit_edge {
namespace {

using testing::Results;
using testing::submit_pixel;

void expect_refused(const Status& status, const std::string& message) {
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(status.message(), message);
}

Classifier load_tiny() {
  Result<Classifier> classifier = Classifier::load(testing::tiny_path());
  EXPECT_TRUE(classifier.ok()) << classifier.status().message();
  return std::move(classifier).value();
}

ImageView some_pixels() {
  static const std::vector<std::uint8_t> bytes = [] {
    std::vector<std::uint8_t> made(3 * 40 * 30);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(i * 7 % 251);
    return made;
  }();
  ImageView image;
  image.data = bytes.data();
  image.width = 40;
  image.height = 30;
  return image;
}

TEST(FrameTasks, ClassesAreThoseOfTheClassifier) {
  const Result<std::vector<Prediction>> expected = load_tiny().classify(some_pixels(), 3);
  ASSERT_TRUE(expected.ok());
  Results results;
  FrameClassifierOptions options;
  options.top_k = 3;
  Result<FrameStream> stream = FrameStream::create(load_tiny(), results.callback(), options);
  ASSERT_TRUE(stream.ok()) << stream.status().message();
  ASSERT_TRUE(stream->submit(some_pixels()).ok());
  ASSERT_TRUE(stream->drain().ok());
  const FrameResult result = results.all().at(0);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  ASSERT_EQ(result.predictions.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(result.predictions[i].index, (*expected)[i].index);
    EXPECT_EQ(result.predictions[i].score, (*expected)[i].score);
    EXPECT_EQ(result.predictions[i].label, (*expected)[i].label);
  }
}

TEST(FrameTasks, AFunctionFillsTheResult) {
  Results results;
  Result<FrameStream> stream = FrameStream::create(
      [](const ImageView& frame, FrameResult& result) {
        if (frame.data[0] == 1) return Status(StatusCode::execution_failed, "[Test] no");
        if (frame.data[0] == 2) throw std::runtime_error("lost the plot");
        if (frame.data[0] == 3) throw std::bad_alloc();
        // The frame's facts are known, and the earlier result is still there to be reused.
        result.predictions.resize(1);
        result.predictions[0].index = static_cast<int>(result.frame);
        return Status();
      },
      results.callback());
  ASSERT_TRUE(stream.ok()) << stream.status().message();
  for (std::uint8_t pixel = 0; pixel < 5; ++pixel) {
    ASSERT_TRUE(submit_pixel(*stream, pixel).ok());
    ASSERT_TRUE(stream->drain().ok());
  }
  const std::vector<FrameResult> all = results.all();
  ASSERT_EQ(all.size(), 5U);
  for (const std::size_t i : {0, 4}) {
    ASSERT_TRUE(all[i].status.ok()) << all[i].status.message();
    ASSERT_EQ(all[i].predictions.size(), 1U);
    EXPECT_EQ(all[i].predictions[0].index, static_cast<int>(i) + 1);
  }
  EXPECT_EQ(all[1].status.message(), "[Test] no");
  EXPECT_EQ(all[2].status.message(),
            "[FrameStream] expected a Status, got an exception: lost the plot; return a Status "
            "instead");
  EXPECT_EQ(all[3].status.code(), StatusCode::out_of_memory);
  for (const std::size_t i : {1, 2, 3}) EXPECT_TRUE(all[i].predictions.empty());
  EXPECT_EQ(stream->counts().failed, 3U);
}

TEST(FrameTasks, MessagesNameTheStream) {
  Results results;
  FrameClassifierOptions none;
  none.top_k = 0;
  expect_refused(FrameStream::create(load_tiny(), results.callback(), none).status(),
                 "[FrameStream.create] expected top_k of at least 1, got 0; ask for one class or "
                 "more");
  expect_refused(FrameStream::create(load_tiny(), nullptr).status(),
                 "[FrameStream.create] expected a callback, got an empty function; pass one");
  expect_refused(FrameStream::create(nullptr, results.callback()).status(),
                 "[FrameStream.create] expected a function that runs frames, got none; pass one");
  Result<FrameStream> stream = FrameStream::create(load_tiny(), results.callback());
  ASSERT_TRUE(stream.ok());
  stream->stop();
  expect_refused(stream->submit(some_pixels()).status(),
                 "[FrameStream.submit] expected a running FrameStream, got one that was stopped; "
                 "create another");
}

// A FrameClassifier is a FrameStream.
TEST(FrameTasks, AFrameClassifierMovesIntoAStream) {
  Results results;
  Result<FrameClassifier> created = FrameClassifier::create(load_tiny(), results.callback());
  ASSERT_TRUE(created.ok());
  FrameStream stream(std::move(created).value());
  ASSERT_TRUE(stream.submit(some_pixels()).ok());
  ASSERT_TRUE(stream.drain().ok());
  EXPECT_EQ(results.frames(), (std::vector<std::uint64_t>{1}));
}

}  // namespace
}  // namespace hvit_edge
