// FrameStream with every kind of result; test_frame_classifier.cpp tests what all kinds share.
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "artifact.h"
#include "color_frame.h"
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

constexpr int kTurned = 6;  // by 180 degrees, and mirrored

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

template <typename Model>
Model load(const char* name) {
  Result<Model> model = Model::load(testing::data_path(name));
  EXPECT_TRUE(model.ok()) << model.status().message();
  return std::move(model).value();
}

// Submits the frame, turned, and returns its result.
FrameResult result_of(Result<FrameStream> stream, Results& results) {
  EXPECT_TRUE(stream.ok()) << stream.status().message();
  testing::ColorFrame frame;
  EXPECT_TRUE(stream->submit(frame.view(kTurned)).ok());
  frame.bytes.assign(frame.bytes.size(), 0);  // it was copied
  EXPECT_TRUE(stream->drain().ok());
  return results.all().at(0);
}

TEST(FrameTasks, EmbeddingsAreThoseOfTheEmbedder) {
  const testing::ColorFrame frame;
  Embedder reference = load<Embedder>(testing::kEmbed);
  const Result<const std::vector<float>*> expected = reference.embed(frame.view(kTurned));
  ASSERT_TRUE(expected.ok());
  Results results;
  const FrameResult result =
      result_of(FrameStream::create(load<Embedder>(testing::kEmbed), results.callback()), results);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  EXPECT_EQ(result.embedding, **expected);
  EXPECT_TRUE(result.predictions.empty() && result.detections.empty());
  EXPECT_EQ(result.mask.width, 0);
}

TEST(FrameTasks, MasksAreThoseOfTheSegmenter) {
  const testing::ColorFrame frame;
  Segmenter reference = load<Segmenter>(testing::kSegment);
  SegmentOptions options;
  options.confidence = true;
  Mask expected;
  ASSERT_TRUE(reference.segment(frame.view(kTurned), expected, options).ok());
  Results results;
  const FrameResult result = result_of(
      FrameStream::create(load<Segmenter>(testing::kSegment), results.callback(), options),
      results);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  EXPECT_EQ(result.mask.width, testing::ColorFrame::kWidth);
  EXPECT_EQ(result.mask.height, testing::ColorFrame::kHeight);
  EXPECT_EQ(result.mask.classes, expected.classes);
  EXPECT_EQ(result.mask.confidence, expected.confidence);
}

TEST(FrameTasks, BoxesAreThoseOfTheDetector) {
  const testing::ColorFrame frame;
  Detector reference = load<Detector>(testing::kDetect);
  DetectOptions options;
  options.max_detections = 3;
  std::vector<Detection> expected;
  ASSERT_TRUE(reference.detect(frame.view(kTurned), expected, options).ok());
  ASSERT_EQ(expected.size(), 3U);
  Results results;
  const FrameResult result = result_of(
      FrameStream::create(load<Detector>(testing::kDetect), results.callback(), options), results);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  ASSERT_EQ(result.detections.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.detections[i].index, expected[i].index);
    EXPECT_EQ(result.detections[i].score, expected[i].score);
    EXPECT_EQ(result.detections[i].x, expected[i].x);
    EXPECT_EQ(result.detections[i].height, expected[i].height);
  }
}

// A failed frame shows nothing of the frame before it.
TEST(FrameTasks, AFailureLeavesNoOlderResult) {
  Results results;
  Result<FrameStream> stream = FrameStream::create(
      [](const ImageView& frame, FrameResult& result) {
        result.embedding = {1, 2};
        result.mask.width = result.mask.height = 1;
        result.mask.classes = {3};
        result.mask.confidence = {0.5F};
        result.detections.resize(2);
        return frame.data[0] == 0 ? Status() : Status(StatusCode::execution_failed, "[Test] no");
      },
      results.callback());
  ASSERT_TRUE(stream.ok());
  for (const std::uint8_t pixel : {0, 1}) {
    ASSERT_TRUE(submit_pixel(*stream, pixel).ok());
    ASSERT_TRUE(stream->drain().ok());
  }
  const std::vector<FrameResult> all = results.all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].embedding.size(), 2U);
  EXPECT_EQ(all[0].mask.classes.size(), 1U);
  EXPECT_EQ(all[0].detections.size(), 2U);
  const FrameResult& failed = all[1];
  EXPECT_TRUE(failed.embedding.empty() && failed.mask.classes.empty() &&
              failed.mask.confidence.empty() && failed.detections.empty());
  EXPECT_EQ(failed.mask.width, 0);
  EXPECT_EQ(failed.mask.height, 0);
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
  expect_refused(FrameStream::create(load<Detector>(testing::kDetect), nullptr).status(),
                 "[FrameStream.create] expected a callback, got an empty function; pass one");
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
