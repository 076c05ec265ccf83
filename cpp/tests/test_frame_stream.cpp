// FrameClassifier as a camera uses it: averages, a real model, several at once, many frames.
// `operator new` is replaced in this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <optional>
#include <thread>

#if defined(__linux__)
#include <unistd.h>
#endif

#include "artifact.h"
#include "color_frame.h"
#include "counted_allocations.h"
#include "held_model.h"
#include "sanitizer.h"

namespace hvit_edge {
namespace {

using std::chrono::nanoseconds;
using testing::HeldModel;
using testing::Results;
using testing::submit_pixel;

Classifier load_tiny() {
  Result<Classifier> classifier = Classifier::load(testing::tiny_path());
  EXPECT_TRUE(classifier.ok()) << classifier.status().message();
  return std::move(classifier).value();
}

void expect_all_settled(const FrameClassifier& classifier, std::uint64_t submitted) {
  const FrameCounts counts = classifier.counts();
  EXPECT_EQ(counts.submitted, submitted);
  EXPECT_EQ(counts.pending, 0U);
  EXPECT_EQ(counts.failed, 0U);
  EXPECT_EQ(counts.processed + counts.dropped, submitted);
}

// exp(-dt / T) = 1/2 between frames; computed by hand: p = (p + p_frame) / 2.
TEST(FrameStream, AveragesOverTime) {
  HeldModel model(false);
  Results results;
  FrameClassifierOptions options;
  options.smoothing_seconds = 1 / std::log(2.0);
  Result<FrameClassifier> classifier =
      FrameClassifier::create(model.logits(), testing::three_labels(), results.callback(), options);
  ASSERT_TRUE(classifier.ok());
  const std::vector<float> logits[] = {{0, 1, 2}, {3, 0, 0}, {0, 5, 0}, {0, 0, 1}};
  double average[3] = {};
  for (int frame = 0; frame < 4; ++frame) {
    if (frame == 3) classifier->reset_smoothing();
    model.set_next(logits[frame]);
    // After the reset, timestamps start again.
    ASSERT_TRUE(submit_pixel(*classifier, 0, std::chrono::seconds(frame % 3)).ok());
    ASSERT_TRUE(classifier->drain().ok());
    double total = 0;
    for (const float logit : logits[frame]) total += std::exp(logit);
    for (int i = 0; i < 3; ++i) {
      const double probability = std::exp(logits[frame][i]) / total;
      average[i] = frame % 3 == 0 ? probability : (average[i] + probability) / 2;
    }
    const FrameResult result = results.all().back();
    ASSERT_EQ(result.predictions.size(), 3U);
    for (const Prediction& prediction : result.predictions) {
      EXPECT_NEAR(prediction.score, average[prediction.index], 1e-6) << frame;
    }
  }
}

// Frames submitted before the reset but classified after it belong to the old average.
TEST(FrameStream, ResetKnowsWhichFramesCameBefore) {
  HeldModel model(true);
  Results results;
  FrameClassifierOptions options;
  options.smoothing_seconds = 1e9;  // in practice, the first frame of an average stays
  Result<FrameClassifier> classifier =
      FrameClassifier::create(model.logits(), testing::three_labels(), results.callback(), options);
  ASSERT_TRUE(classifier.ok());
  ASSERT_TRUE(submit_pixel(*classifier, 0, nanoseconds(1)).ok());
  model.let_one_go();
  ASSERT_TRUE(classifier->drain().ok());
  model.set_next({9, 0, 0});
  ASSERT_TRUE(submit_pixel(*classifier, 0, nanoseconds(2)).ok());
  model.wait_until_begun(2);
  classifier->reset_smoothing();
  ASSERT_TRUE(submit_pixel(*classifier, 0, nanoseconds(1)).ok());
  model.let_all_go();
  ASSERT_TRUE(classifier->drain().ok());
  const std::vector<FrameResult> all = results.all();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].predictions[0].index, 2);
  EXPECT_EQ(all[1].predictions[0].index, 2);
  EXPECT_EQ(all[2].predictions[0].index, 0);
}

TEST(FrameStream, GivesWhatTheClassifierGives) {
  Classifier reference = load_tiny();
  std::vector<std::uint8_t> bytes(40 * 64 + 2 * 20 * 40);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  ImageView image;
  image.data = bytes.data();
  image.width = 61;
  image.height = 39;
  image.row_stride_bytes = 64;
  image.format = PixelFormat::i420;
  image.chroma[0] = {bytes.data() + 40 * 64, 40, 1};
  image.chroma[1] = {bytes.data() + 40 * 64 + 20 * 40, 40, 1};
  image.rotation = Rotation::by_270;
  image.mirror = true;
  image.range = YuvRange::video;
  const Result<std::vector<Prediction>> expected = reference.classify(image, 4);
  ASSERT_TRUE(expected.ok()) << expected.status().message();

  Results results;
  FrameClassifierOptions options;
  options.top_k = 4;
  Result<FrameClassifier> classifier =
      FrameClassifier::create(load_tiny(), results.callback(), options);
  ASSERT_TRUE(classifier.ok()) << classifier.status().message();
  ASSERT_TRUE(classifier->submit(image).ok());
  bytes.assign(bytes.size(), 0);
  ASSERT_TRUE(classifier->drain().ok());
  const FrameResult result = results.all().at(0);
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  ASSERT_EQ(result.predictions.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result.predictions[i].index, (*expected)[i].index);
    EXPECT_EQ(result.predictions[i].score, (*expected)[i].score);
    EXPECT_EQ(result.predictions[i].label, (*expected)[i].label);
  }
}

TEST(FrameStream, SeveralRunAtOnce) {
  const std::vector<std::uint8_t> pixels(8 * 8 * 3, 77);
  ImageView image;
  image.data = pixels.data();
  image.width = image.height = 8;
  const int best = load_tiny().classify(image, 1).value()[0].index;
  std::vector<std::thread> cameras;
  for (int camera = 0; camera < 4; ++camera) {
    cameras.emplace_back([&image, best] {
      std::atomic<int> same{0};
      Result<FrameClassifier> classifier =
          FrameClassifier::create(load_tiny(), [&](const FrameResult& result) {
            same += result.status.ok() && result.predictions[0].index == best ? 1 : 0;
          });
      ASSERT_TRUE(classifier.ok()) << classifier.status().message();
      for (int i = 0; i < 200; ++i) ASSERT_TRUE(classifier->submit(image).ok());
      ASSERT_TRUE(classifier->drain().ok());
      expect_all_settled(*classifier, 200);
      EXPECT_EQ(static_cast<std::uint64_t>(same), classifier->counts().processed);
    });
  }
  for (std::thread& camera : cameras) camera.join();
}

TEST(FrameStream, CountsAgreeAtEveryMoment) {
  HeldModel model(false);
  std::optional<FrameClassifier> classifier;
  const auto check = [&] {
    const FrameCounts counts = classifier->counts();
    EXPECT_EQ(counts.submitted, counts.processed + counts.dropped + counts.pending);
    EXPECT_LE(counts.pending, 2U);
  };
  Result<FrameClassifier> created = FrameClassifier::create(model.logits(), testing::three_labels(),
                                                            [&](const FrameResult&) { check(); });
  ASSERT_TRUE(created.ok());
  classifier.emplace(std::move(created).value());
  std::vector<std::thread> cameras;
  for (int camera = 0; camera < 3; ++camera) {
    cameras.emplace_back([&, camera] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_TRUE(submit_pixel(*classifier, 0).ok());
        check();
        if (camera == 0 && i % 50 == 0) classifier->pause();
        if (camera == 0 && i % 50 == 10) classifier->resume();
        if (camera == 1 && i % 100 == 0) classifier->reset_smoothing();
      }
    });
  }
  for (std::thread& camera : cameras) camera.join();
  ASSERT_TRUE(classifier->drain().ok());
  expect_all_settled(*classifier, 1500);
}

TEST(FrameStream, AllocatesNothingOnceTheBuffersHaveTheirSize) {
  const std::vector<float> logits = {0, 1, 2};
  std::atomic<int> begun{0};
  std::atomic<int> allowed{0};
  Result<FrameClassifier> classifier = FrameClassifier::create(
      [&](const ImageView&) -> Result<const std::vector<float>*> {
        ++begun;
        while (allowed < begun) std::this_thread::yield();
        return &logits;
      },
      testing::three_labels(), [](const FrameResult&) {});
  ASSERT_TRUE(classifier.ok());
  ASSERT_TRUE(submit_pixel(*classifier, 0).ok());
  while (begun < 1) std::this_thread::yield();
  ASSERT_TRUE(submit_pixel(*classifier, 0).ok());  // all three buffers are in use or were
  ASSERT_TRUE(submit_pixel(*classifier, 0).ok());
  allowed = 2;
  ASSERT_TRUE(classifier->drain().ok());
  const long before = testing::allocations;
  allowed = 1 << 30;
  bool fine = true;
  for (int i = 0; i < 1000; ++i) {
    fine = submit_pixel(*classifier, 0).ok() && fine;
    if (i % 3 == 0) fine = classifier->drain().ok() && fine;
  }
  fine = classifier->drain().ok() && fine;
  EXPECT_EQ(testing::allocations, before);
  EXPECT_TRUE(fine);
}

// Returns how often a stream allocates for a hundred frames after the first ones.
long allocations_of(Result<FrameStream> stream) {
  EXPECT_TRUE(stream.ok()) << stream.status().message();
  const testing::ColorFrame frame;
  const ImageView image = frame.view();
  bool fine = true;
  long before = 0;
  for (int i = 0; i < 110; ++i) {
    if (i == 10) before = testing::allocations;
    fine = stream->submit(image).ok() && stream->drain().ok() && fine;
  }
  const long after = testing::allocations;
  EXPECT_TRUE(fine);
  EXPECT_EQ(stream->counts().failed, 0U);
  return after - before;
}

// What a hundred runs of the model itself allocate.
template <typename Model>
long allocations_of_runs(const char* name) {
  Result<Model> model = Model::load(testing::data_path(name));
  EXPECT_TRUE(model.ok()) << model.status().message();
  const testing::ColorFrame frame;
  const ImageView image = frame.view();
  bool fine = true;
  long before = 0;
  for (int i = 0; i < 110; ++i) {
    if (i == 10) before = testing::allocations;
    fine = model->outputs(image).ok() && fine;
  }
  EXPECT_TRUE(fine);
  return testing::allocations - before;
}

TEST(FrameStream, MasksAndBoxesNeedNoMemoryOfTheirOwn) {
  const FrameStream::Callback ignore = [](const FrameResult&) {};
  SegmentOptions options;
  options.confidence = true;
  const auto load = [](auto loaded) { return std::move(loaded).value(); };
  EXPECT_LE(allocations_of(FrameStream::create(
                load(Segmenter::load(testing::data_path(testing::kSegment))), ignore, options)),
            allocations_of_runs<Segmenter>(testing::kSegment));
  EXPECT_LE(allocations_of(FrameStream::create(
                load(Detector::load(testing::data_path(testing::kDetect))), ignore)),
            allocations_of_runs<Detector>(testing::kDetect));
  EXPECT_LE(allocations_of(FrameStream::create(
                load(Embedder::load(testing::data_path(testing::kEmbed))), ignore)),
            allocations_of_runs<Embedder>(testing::kEmbed));
}

// Returns 0 if it cannot be read, or has no meaning because a sanitizer keeps memory.
long resident_bytes() {
#if defined(__linux__)
  if (testing::kUnderAddressSanitizer || testing::kUnderThreadSanitizer) return 0;
  long total = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
#else
  return 0;
#endif
}

TEST(FrameStream, RunsForLongWithoutGrowing) {
  constexpr int kFrames = 100000;
  const std::vector<std::uint8_t> pixels(8 * 8 * 3, 77);
  ImageView image;
  image.data = pixels.data();
  image.width = image.height = 8;
  std::uint64_t results = 0;
  FrameClassifierOptions options;
  options.smoothing_seconds = 0.5;
  Result<FrameClassifier> classifier = FrameClassifier::create(
      load_tiny(), [&](const FrameResult& result) { results += result.status.ok() ? 1 : 0; },
      options);
  ASSERT_TRUE(classifier.ok()) << classifier.status().message();
  const auto stream = [&](int frames) {
    for (int i = 0; i < frames; ++i) {
      ASSERT_TRUE(classifier->submit(image).ok());
      if (i % 8 == 0) {
        ASSERT_TRUE(classifier->drain().ok());
      }
    }
    ASSERT_TRUE(classifier->drain().ok());
  };
  stream(1000);
  const long before = resident_bytes();
  stream(kFrames);
  expect_all_settled(*classifier, 1000 + kFrames);
  EXPECT_EQ(classifier->counts().processed, results);
  EXPECT_GE(results, static_cast<std::uint64_t>(kFrames / 8));
  EXPECT_LT(resident_bytes() - before, 1L << 20);
}

}  // namespace
}  // namespace hvit_edge
