#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>

#include "held_model.h"

namespace hvit_edge {
namespace {

using std::chrono::nanoseconds;
using testing::HeldModel;
using testing::Results;
using testing::submit_pixel;
using Frames = std::vector<std::uint64_t>;

FrameClassifier create(HeldModel& model, FrameClassifier::Callback callback,
                       const FrameClassifierOptions& options = {}) {
  Result<FrameClassifier> classifier = FrameClassifier::create(
      model.logits(), testing::three_labels(), std::move(callback), options);
  EXPECT_TRUE(classifier.ok()) << classifier.status().message();
  return std::move(classifier).value();
}

void expect_counts(const FrameClassifier& classifier, const FrameCounts& expected) {
  const FrameCounts counts = classifier.counts();
  EXPECT_EQ(counts.submitted, expected.submitted);
  EXPECT_EQ(counts.processed, expected.processed);
  EXPECT_EQ(counts.failed, expected.failed);
  EXPECT_EQ(counts.dropped, expected.dropped);
  EXPECT_EQ(counts.pending, expected.pending);
}

void expect_refused(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

TEST(FrameClassifier, TheLatestFrameWins) {
  HeldModel model(true);
  Results results;
  FrameClassifier classifier = create(model, results.callback());
  for (std::uint8_t pixel = 1; pixel <= 4; ++pixel) {
    const Result<std::uint64_t> frame = submit_pixel(classifier, 10 * pixel);
    ASSERT_TRUE(frame.ok()) << frame.status().message();
    EXPECT_EQ(*frame, pixel);
    model.wait_until_begun(1);
  }
  expect_counts(classifier, {4, 0, 0, 2, 2});
  model.let_all_go();
  ASSERT_TRUE(classifier.drain().ok());
  expect_counts(classifier, {4, 2, 0, 2, 0});
  EXPECT_EQ(results.frames(), (Frames{1, 4}));
  EXPECT_EQ(model.seen(), (std::vector<int>{10, 40}));
}

TEST(FrameClassifier, CountsEveryDroppedFrame) {
  HeldModel model(true);
  Results results;
  FrameClassifier classifier = create(model, results.callback());
  ASSERT_TRUE(submit_pixel(classifier, 0).ok());
  model.wait_until_begun(1);
  std::uint64_t submitted = 1;
  std::uint64_t dropped = 0;
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < round; ++i) ASSERT_TRUE(submit_pixel(classifier, 0).ok());
    submitted += round;
    dropped += round - 1;
    model.let_one_go();
    model.wait_until_begun(round + 1);
    const auto processed = static_cast<std::uint64_t>(round);
    expect_counts(classifier, {submitted, processed, 0, dropped, 1});
    EXPECT_EQ(results.frames().back(), submitted - processed);
  }
  model.let_all_go();
}

TEST(FrameClassifier, ResultsHaveLabelsScoresAndTimes) {
  HeldModel model(false);
  Results results;
  FrameClassifierOptions options;
  options.top_k = 2;
  FrameClassifier classifier = create(model, results.callback(), options);
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(submit_pixel(classifier, 0, nanoseconds(-5)).ok());
  ASSERT_TRUE(classifier.drain().ok());
  const FrameResult result = results.all().at(0);
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.timestamp, nanoseconds(-5));
  EXPECT_LE(before, result.submitted);
  EXPECT_LE(result.submitted, result.finished);
  ASSERT_EQ(result.predictions.size(), 2U);
  EXPECT_EQ(result.predictions[0].label, "a label of many letters");
  EXPECT_EQ(result.predictions[0].index, 2);
  EXPECT_EQ(result.predictions[1].label, "dog");
  const double total = 1 + std::exp(1.0) + std::exp(2.0);
  EXPECT_NEAR(result.predictions[0].score, std::exp(2.0) / total, 1e-6);
  EXPECT_NEAR(result.predictions[1].score, std::exp(1.0) / total, 1e-6);
}

TEST(FrameClassifier, PausedItDropsFramesAndGoesOnAfterwards) {
  HeldModel model(true);
  Results results;
  FrameClassifier classifier = create(model, results.callback());
  ASSERT_TRUE(submit_pixel(classifier, 1).ok());
  model.wait_until_begun(1);
  ASSERT_TRUE(submit_pixel(classifier, 2).ok());
  classifier.pause();
  expect_counts(classifier, {2, 0, 0, 1, 1});
  ASSERT_TRUE(submit_pixel(classifier, 3).ok());
  expect_counts(classifier, {3, 0, 0, 2, 1});
  model.let_all_go();
  ASSERT_TRUE(classifier.drain().ok());
  expect_counts(classifier, {3, 1, 0, 2, 0});
  classifier.resume();
  expect_counts(classifier, {3, 1, 0, 2, 0});
  ASSERT_TRUE(submit_pixel(classifier, 4).ok());
  ASSERT_TRUE(classifier.drain().ok());
  EXPECT_EQ(results.frames(), (Frames{1, 4}));
}

TEST(FrameClassifier, StopsFromTheCallback) {
  HeldModel model(true);
  Results results;
  std::optional<FrameClassifier> classifier;
  classifier.emplace(create(model, [&](const FrameResult& result) {
    results.add(result);
    classifier->stop();
    EXPECT_FALSE(submit_pixel(*classifier, 0).ok());
    expect_refused(classifier->drain(), "expected a call from outside the callback");
    expect_counts(*classifier, {2, 0, 0, 1, 1});
  }));
  ASSERT_TRUE(submit_pixel(*classifier, 1).ok());
  model.wait_until_begun(1);
  ASSERT_TRUE(submit_pixel(*classifier, 2).ok());
  model.let_all_go();
  ASSERT_TRUE(classifier->drain().ok());
  classifier->stop();
  expect_refused(submit_pixel(*classifier, 3).status(),
                 "expected a running FrameClassifier, got one that was stopped");
  expect_counts(*classifier, {2, 1, 0, 1, 0});
  EXPECT_EQ(results.frames(), (Frames{1}));
}

TEST(FrameClassifier, StopsWhileBusy) {
  HeldModel model(true);
  Results results;
  FrameClassifier classifier = create(model, results.callback());
  ASSERT_TRUE(submit_pixel(classifier, 1).ok());
  model.wait_until_begun(1);
  ASSERT_TRUE(submit_pixel(classifier, 2).ok());
  std::vector<std::thread> stoppers;
  for (int i = 0; i < 3; ++i) stoppers.emplace_back([&] { classifier.stop(); });
  while (classifier.counts().dropped == 0) std::this_thread::yield();
  EXPECT_TRUE(results.frames().empty());
  model.let_all_go();
  for (std::thread& stopper : stoppers) stopper.join();
  EXPECT_EQ(results.frames(), (Frames{1}));
  expect_counts(classifier, {2, 1, 0, 1, 0});
  EXPECT_TRUE(classifier.drain().ok());
}

TEST(FrameClassifier, StopsWhileIdleOrPaused) {
  HeldModel model(false);
  Results results;
  FrameClassifier idle = create(model, results.callback());
  idle.stop();
  FrameClassifier paused = create(model, results.callback());
  paused.pause();
  ASSERT_TRUE(submit_pixel(paused, 1).ok());
  paused.stop();
  paused.resume();
  EXPECT_FALSE(submit_pixel(paused, 1).ok());
  EXPECT_TRUE(results.all().empty());
}

TEST(FrameClassifier, IsDestroyedWhileBusy) {
  HeldModel model(true);
  Results results;
  auto classifier = std::make_unique<FrameClassifier>(create(model, results.callback()));
  ASSERT_TRUE(submit_pixel(*classifier, 1).ok());
  model.wait_until_begun(1);
  ASSERT_TRUE(submit_pixel(*classifier, 2).ok());
  std::promise<void> begins;
  std::thread destroyer([&] {
    begins.set_value();
    classifier.reset();
  });
  begins.get_future().wait();
  model.let_one_go();
  model.let_one_go();  // the second frame, if it began before the destructor
  destroyer.join();
  const Frames frames = results.frames();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.front(), 1U);
}

TEST(FrameClassifier, IsDestroyedByItsCallback) {
  HeldModel model(true);
  auto ended = std::make_shared<std::promise<void>>();
  std::unique_ptr<FrameClassifier> classifier;
  {
    // The token dies with the callback, so when the thread has released everything.
    const std::shared_ptr<void> token(nullptr, [ended](void*) { ended->set_value(); });
    classifier = std::make_unique<FrameClassifier>(
        create(model, [&classifier, token](const FrameResult&) { classifier.reset(); }));
  }
  ASSERT_TRUE(submit_pixel(*classifier, 1).ok());
  model.wait_until_begun(1);
  ASSERT_TRUE(submit_pixel(*classifier, 2).ok());
  model.let_all_go();
  ended->get_future().wait();
  EXPECT_EQ(classifier, nullptr);
  EXPECT_EQ(model.seen(), (std::vector<int>{1}));
}

TEST(FrameClassifier, MovesWithItsThread) {
  HeldModel model(false);
  Results first;
  Results second;
  FrameClassifier moved = create(model, first.callback());
  ASSERT_TRUE(submit_pixel(moved, 1).ok());
  FrameClassifier classifier(std::move(moved));
  ASSERT_TRUE(classifier.drain().ok());
  classifier = create(model, second.callback());
  ASSERT_TRUE(submit_pixel(classifier, 2).ok());
  ASSERT_TRUE(classifier.drain().ok());
  EXPECT_EQ(first.frames(), (Frames{1}));
  EXPECT_EQ(second.frames(), (Frames{1}));
}

TEST(FrameClassifier, ErrorsReachTheCallback) {
  const std::vector<float> good = {0, 1, 2};
  const std::vector<float> few = {0, 1};
  Results results;
  Result<FrameClassifier> classifier = FrameClassifier::create(
      [&](const ImageView& image) -> Result<const std::vector<float>*> {
        switch (image.data[0]) {
          case 1:
            return Status(StatusCode::execution_failed, "[Test] no");
          case 2:
            throw std::runtime_error("lost the plot");
          case 3:
            throw std::bad_alloc();
          case 4:
            throw 4;
          case 5:
            return nullptr;
          case 6:
            return &few;
          default:
            return &good;
        }
      },
      testing::three_labels(), results.callback());
  ASSERT_TRUE(classifier.ok());
  for (std::uint8_t pixel = 0; pixel < 8; ++pixel) {
    ASSERT_TRUE(submit_pixel(*classifier, pixel).ok());
    ASSERT_TRUE(classifier->drain().ok());
  }
  struct Expected {
    StatusCode code;
    const char* part;
  };
  const Expected expected[] = {
      {StatusCode::ok, ""},
      {StatusCode::execution_failed, "[Test] no"},
      {StatusCode::execution_failed, "expected logits, got an exception: lost the plot"},
      {StatusCode::out_of_memory, "expected enough memory"},
      {StatusCode::execution_failed, "expected logits, got an exception: no std::exception"},
      {StatusCode::execution_failed, "expected logits, got a null pointer"},
      {StatusCode::execution_failed, "expected 3 logits, one a label, got 2"},
      {StatusCode::ok, ""}};
  const std::vector<FrameResult> all = results.all();
  ASSERT_EQ(all.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(all[i].status.code(), expected[i].code) << i;
    EXPECT_NE(all[i].status.message().find(expected[i].part), std::string::npos)
        << all[i].status.message();
    EXPECT_EQ(all[i].predictions.size(), all[i].status.ok() ? 3U : 0U);
  }
  expect_counts(*classifier, {8, 8, 6, 0, 0});
}

TEST(FrameClassifier, CallbacksThatThrowEndIt) {
  for (const bool standard : {true, false}) {
    HeldModel model(true);
    FrameClassifier classifier = create(model, [&](const FrameResult&) {
      if (standard) throw std::runtime_error("no such view");
      throw 1;
    });
    ASSERT_TRUE(submit_pixel(classifier, 1).ok());
    model.wait_until_begun(1);
    ASSERT_TRUE(submit_pixel(classifier, 2).ok());
    model.let_all_go();
    const std::string part = std::string("expected a callback that throws nothing, got: ") +
                             (standard ? "no such view" : "no std::exception");
    expect_refused(classifier.drain(), part);
    expect_refused(submit_pixel(classifier, 3).status(), part);
    expect_counts(classifier, {2, 1, 0, 1, 0});
    classifier.stop();
  }
}

TEST(FrameClassifier, RefusedFramesCountNowhere) {
  HeldModel model(false);
  Results results;
  FrameClassifier classifier = create(model, results.callback());
  expect_refused(classifier.submit(ImageView()).status(), "[ImageView] expected pixels");
  ASSERT_TRUE(submit_pixel(classifier, 1, nanoseconds(100)).ok());
  expect_refused(submit_pixel(classifier, 1, nanoseconds(100)).status(),
                 "expected a timestamp later than 100 ns, got 100 ns");
  expect_refused(submit_pixel(classifier, 1, nanoseconds(99)).status(), "got 99 ns");
  ASSERT_TRUE(classifier.drain().ok());
  expect_counts(classifier, {1, 1, 0, 0, 0});
  classifier.reset_smoothing();
  ASSERT_TRUE(submit_pixel(classifier, 1, nanoseconds(99)).ok());
  ASSERT_TRUE(classifier.drain().ok());
  EXPECT_EQ(results.frames(), (Frames{1, 2}));
}

TEST(FrameClassifier, RefusesWhatCannotBe) {
  HeldModel model(false);
  Results results;
  const auto status = [&](FrameClassifier::Callback callback, int top_k, double seconds) {
    FrameClassifierOptions options;
    options.top_k = top_k;
    options.smoothing_seconds = seconds;
    return FrameClassifier::create(model.logits(), testing::three_labels(), std::move(callback),
                                   options)
        .status();
  };
  expect_refused(status(nullptr, 1, 0), "expected a callback, got an empty function");
  expect_refused(status(results.callback(), 0, 0), "expected top_k of at least 1, got 0");
  for (const double seconds : {-1.0, std::nan(""), HUGE_VAL}) {
    expect_refused(status(results.callback(), 1, seconds), "expected smoothing_seconds of 0 or");
  }
  expect_refused(FrameClassifier::create(model.logits(), {}, results.callback()).status(),
                 "expected a label for each class, got none");
  expect_refused(
      FrameClassifier::create(nullptr, testing::three_labels(), results.callback()).status(),
      "expected a function from frames to logits, got none");
}

}  // namespace
}  // namespace hvit_edge
