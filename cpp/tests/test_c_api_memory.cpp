// Memory that runs out at every allocation in turn. `operator new` is replaced, so this is a
// program of its own. ExecuTorch's delegate ends the process if it gets no memory while it prepares
// a model, so opening is tested without preparing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "artifact.h"
#include "c_api.h"
#include "sanitizer.h"

namespace {

// The number of allocations of this thread that succeed; negative: all.
thread_local long g_left = -1;
thread_local long g_live = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  if (g_left == 0) throw std::bad_alloc();
  if (g_left > 0) --g_left;
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  ++g_live;
  return memory;
}

void release(void* memory) {
  if (memory != nullptr) --g_live;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

constexpr char kOwnNew[] = "ThreadSanitizer keeps its own operator new";

// Calls with 0, 1, 2, ... allowed allocations until one succeeds; every other call must say why it
// failed. Returns how many failed.
template <typename Call>
int count_failures(Reason& reason, Call&& call) {
  for (int allowed = 0; allowed < 1000; ++allowed) {
    g_left = allowed;
    const hve_status status = call();
    g_left = -1;
    if (status == HVE_OK) return allowed;
    EXPECT_EQ(status, HVE_OUT_OF_MEMORY) << reason.text();
    EXPECT_TRUE(contains(reason.text(), "expected enough memory, got none")) << reason.text();
  }
  return -1;
}

TEST(CApiMemory, ClassifyingReportsThatItRanOut) {
  if (testing::kUnderThreadSanitizer) GTEST_SKIP() << kOwnNew;
  testing::OwnedClassifier classifier = testing::open_classifier(testing::tiny_path());
  ASSERT_NE(classifier, nullptr);
  const std::vector<std::uint8_t> bytes = testing::some_bytes(4 * 60 * 50);
  hve_image image = testing::rgb_image(bytes, 60, 50);
  hve_prediction predictions[7];
  float logits[7];
  std::size_t count = 0;
  Reason reason;
  const auto classify = [&] {
    return hve_classifier_classify(classifier.get(), &image, 7, predictions, 7, &count, reason);
  };
  EXPECT_GT(count_failures(reason, classify), 5);
  EXPECT_EQ(count, 7U);
  image.format = HVE_FORMAT_BGRA8888;
  image.rotation = 90;
  EXPECT_GT(count_failures(reason, classify), 5);
  EXPECT_GT(count_failures(reason,
                           [&] {
                             return hve_classifier_logits(classifier.get(), &image, logits, 7,
                                                          &count, reason);
                           }),
            3);
}

TEST(CApiMemory, OtherTasksReportThatTheyRanOut) {
  if (testing::kUnderThreadSanitizer) GTEST_SKIP() << kOwnNew;
  constexpr std::size_t kPixels = 60 * 50;
  const std::vector<std::uint8_t> bytes = testing::some_bytes(3 * kPixels);
  const hve_image image = testing::rgb_image(bytes, 60, 50);
  std::vector<std::uint8_t> classes(kPixels);
  std::vector<float> numbers(kPixels);
  std::vector<hve_detection> found(100);
  std::size_t count = 0;
  Reason reason;
  hve_embedder* embedder = nullptr;
  hve_segmenter* segmenter = nullptr;
  hve_detector* detector = nullptr;
  hve_embedder_open(testing::data_path(testing::kEmbed).c_str(), nullptr, &embedder, nullptr);
  hve_segmenter_open(testing::data_path(testing::kSegment).c_str(), nullptr, &segmenter, nullptr);
  hve_detector_open(testing::data_path(testing::kDetect).c_str(), nullptr, &detector, nullptr);
  const testing::OwnedEmbedder first(embedder);
  const testing::OwnedSegmenter second(segmenter);
  const testing::OwnedDetector third(detector);
  EXPECT_GT(count_failures(reason,
                           [&] {
                             return hve_embedder_embed(embedder, &image, numbers.data(), kPixels,
                                                       &count, reason);
                           }),
            3);
  EXPECT_EQ(count, 5U);
  EXPECT_GT(count_failures(reason,
                           [&] {
                             return hve_segmenter_segment(segmenter, &image, classes.data(),
                                                          kPixels, numbers.data(), kPixels, &count,
                                                          reason);
                           }),
            3);
  EXPECT_EQ(count, kPixels);
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  options.score_threshold = 0;
  options.max_detections = 100;
  EXPECT_GT(count_failures(reason,
                           [&] {
                             return hve_detector_detect(detector, &image, &options, found.data(),
                                                        found.size(), &count, reason);
                           }),
            3);
  EXPECT_GT(count, 5U);
}

TEST(CApiMemory, OpeningReportsThatItRanOut) {
  if (testing::kUnderThreadSanitizer) GTEST_SKIP() << kOwnNew;
  const std::string path = testing::tiny_path();
  const std::vector<std::uint8_t> bytes = testing::read_file(path);
  hve_options options = HVE_OPTIONS_INIT;
  options.prepare_later = 1;
  Reason reason;
  hve_classifier* classifier = nullptr;
  const auto open = [&] {
    return hve_classifier_open(path.c_str(), &options, &classifier, reason);
  };
  ASSERT_EQ(open(), HVE_OK) << reason.text();  // for allocations that are made once a process
  hve_classifier_close(&classifier, nullptr);
  const long before = g_live;
  EXPECT_GT(count_failures(reason, open), 50);
  hve_classifier_close(&classifier, nullptr);
  EXPECT_EQ(g_live, before);
  hve_session* session = nullptr;
  EXPECT_GT(count_failures(reason,
                           [&] {
                             return hve_session_open_memory(bytes.data(), bytes.size(), &options,
                                                            &session, reason);
                           }),
            50);
  hve_session_close(&session, nullptr);
  EXPECT_EQ(g_live, before);
}

}  // namespace
}  // namespace hvit_edge
