// Controls the time in tests of FrameClassifier: a model that waits until it is released, and a
// callback that keeps its results. No test sleeps.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "hvit_edge/frame_classifier.h"

namespace hvit_edge::testing {

/// A model with three classes; it returns the logits in `next`, at first {0, 1, 2}.
class HeldModel {
 public:
  explicit HeldModel(bool held) : open_(!held) {}

  FrameClassifier::Logits logits() {
    return [this](const ImageView& image) { return run(image); };
  }

  /// Waits until the model has begun so many frames.
  void wait_until_begun(int frames) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= frames; });
  }
  /// Releases the frame that it holds, or the next one.
  void let_one_go() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++allowed_;
    changed_.notify_all();
  }
  void let_all_go() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// May be called only while nothing runs.
  void set_next(std::vector<float> logits) { next_ = std::move(logits); }

  /// Returns the first byte of each frame.
  std::vector<int> seen() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return seen_;
  }

 private:
  Result<const std::vector<float>*> run(const ImageView& image) {
    std::unique_lock<std::mutex> lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || allowed_ > 0; });
    if (!open_) --allowed_;
    seen_.push_back(image.data[0]);
    return &next_;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_;
  int begun_ = 0;
  int allowed_ = 0;
  std::vector<int> seen_;
  std::vector<float> next_ = {0, 1, 2};
};

inline std::vector<std::string> three_labels() { return {"cat", "dog", "a label of many letters"}; }

/// Keeps copies of all results.
class Results {
 public:
  FrameClassifier::Callback callback() {
    return [this](const FrameResult& result) { add(result); };
  }
  void add(const FrameResult& result) {
    const std::lock_guard<std::mutex> lock(mutex_);
    results_.push_back(result);
  }
  std::vector<FrameResult> all() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return results_;
  }
  std::vector<std::uint64_t> frames() const {
    std::vector<std::uint64_t> frames;
    for (const FrameResult& result : all()) frames.push_back(result.frame);
    return frames;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<FrameResult> results_;
};

/// Submits one gray pixel; the caller may reuse it at once.
inline Result<std::uint64_t> submit_pixel(FrameStream& stream, std::uint8_t pixel) {
  ImageView image;
  image.data = &pixel;
  image.width = image.height = 1;
  image.format = PixelFormat::gray8;
  return stream.submit(image);
}

inline Result<std::uint64_t> submit_pixel(FrameStream& stream, std::uint8_t pixel,
                                          std::chrono::nanoseconds timestamp) {
  ImageView image;
  image.data = &pixel;
  image.width = image.height = 1;
  image.format = PixelFormat::gray8;
  return stream.submit(image, timestamp);
}

}  // namespace hvit_edge::testing
