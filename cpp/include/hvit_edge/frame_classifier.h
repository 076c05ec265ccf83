// FrameClassifier: names what a camera sees, on a thread of its own, always the newest frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/classifier.h"
#include "hvit_edge/image.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

class FrameWorker;

struct FrameClassifierOptions {
  int top_k = 5;  ///< predictions of a result, or all classes where there are fewer

  /// Time constant T of an average over the frames: after a frame whose timestamp is dt seconds
  /// behind that of the last one that was classified, each class's probability p becomes
  /// p + (1 - exp(-dt / T)) (p_frame - p). 0: every frame by itself.
  double smoothing_seconds = 0;
};

/// What became of a frame. The callback has it during the call only: copy what is to be kept.
struct FrameResult {
  std::uint64_t frame = 0;                ///< as submit() numbered it
  std::chrono::nanoseconds timestamp{0};  ///< as given to submit(), or its clock's
  std::chrono::steady_clock::time_point submitted;
  std::chrono::steady_clock::time_point finished;  ///< classified; the callback begins
  Status status;                                   ///< why the frame has no predictions
  std::vector<Prediction> predictions;  ///< averaged, the most probable first; empty if not ok()
};

/// At one moment, hence always: submitted = processed + dropped + pending.
struct FrameCounts {
  std::uint64_t submitted = 0;
  std::uint64_t processed = 0;  ///< classified or failed, and their callback has returned
  std::uint64_t failed = 0;     ///< of those processed
  std::uint64_t dropped = 0;    ///< replaced by a newer frame, or given up by pause() or stop()
  std::uint64_t pending = 0;    ///< 0 to 2: one waits, one is being classified or called back
};

/// Classifies frames in the background. At most one frame waits, and a newer one takes its place: a
/// camera that is faster than the model loses frames, which are counted, and never has to wait.
///
/// submit() copies the pixels of a frame, without padding, into one of three buffers that are used
/// again and again; the caller's are free at once. Everything else, preprocessing too, happens on
/// the worker thread. A buffer grows when its frame is larger than all before; else nothing
/// allocates but the model's run.
///
/// The callback runs on the worker thread, one call at a time, in the order of the frames, with no
/// lock held. It may call every member but drain(), and destroy the FrameClassifier. A slow
/// callback delays the next frame. If it throws, the exception ends there: the frame counts as
/// processed, the FrameClassifier stops as by stop(), and submit() and drain() say what was thrown.
///
/// All members may be called from any thread at any time, except that moving and destroying need
/// that nobody but the callback calls a member then or later. Any number of FrameClassifiers may
/// run at once.
class FrameClassifier {
 public:
  using Callback = std::function<void(const FrameResult&)>;

  /// The raw outputs for a frame, one a class, unchanged until the next call; or why there are
  /// none. Called on the worker thread alone, with a copy of the frame.
  using Logits = std::function<Result<const std::vector<float>*>(const ImageView&)>;

  /// Refuses an empty callback, top_k below 1 and a negative or infinite time constant.
  static Result<FrameClassifier> create(Classifier classifier, Callback callback,
                                        const FrameClassifierOptions& options = {});
  /// For models that no Classifier runs. `labels` has one for each class, at least one.
  static Result<FrameClassifier> create(Logits logits, std::vector<std::string> labels,
                                        Callback callback,
                                        const FrameClassifierOptions& options = {});

  FrameClassifier(FrameClassifier&&) noexcept;
  FrameClassifier& operator=(FrameClassifier&&) noexcept;
  /// As stop(). In the callback, the thread ends by itself after it.
  ~FrameClassifier();

  /// Gives the frame's number: 1, 2, ... Refuses frames that validate() refuses, timestamps that
  /// are not behind the last one's, and frames after stop(): these count nowhere and have no
  /// callback. What goes wrong later reaches the callback as FrameResult::status.
  Result<std::uint64_t> submit(const ImageView& image, std::chrono::nanoseconds timestamp);
  /// With std::chrono::steady_clock as timestamp. Use one of the two, or reset_smoothing() between.
  Result<std::uint64_t> submit(const ImageView& image);

  /// Frames that are submitted from now on begin a new average, and their timestamps may begin
  /// anew; those before go on with the old one.
  void reset_smoothing();

  /// Drops the waiting frame and all that are submitted until resume(), without copying them. The
  /// frame that is being classified is finished. The average stays.
  void pause();
  void resume();

  /// Waits until none of the frames submitted so far is pending. Refused in the callback.
  Status drain();

  /// Drops the waiting frame, finishes the one that is being classified with its callback, and ends
  /// the thread. Returns when that is done; in the callback at once. There is no way back.
  void stop();

  FrameCounts counts() const;

 private:
  explicit FrameClassifier(std::shared_ptr<FrameWorker> worker);
  std::shared_ptr<FrameWorker> worker_;
};

}  // namespace hvit_edge
