// FrameStream: runs a model of any task on the frames of a camera, on a background thread, always
// on the newest frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/classifier.h"
#include "hvit_edge/detector.h"
#include "hvit_edge/embedder.h"
#include "hvit_edge/image.h"
#include "hvit_edge/segmenter.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

class FrameWorker;

/// The options of a stream of classes.
struct FrameClassifierOptions {
  int top_k = 5;  ///< predictions of a result, or all classes if there are fewer

  /// Time constant T of an average over the frames. After a frame whose timestamp is dt seconds
  /// later than that of the last frame that was classified, each class's probability p becomes
  /// p + (1 - exp(-dt / T)) (p_frame - p). 0: every frame by itself.
  double smoothing_seconds = 0;
};

/// The result of a frame. It is valid only during the callback: copy what you need later. Only the
/// member of the model's task has a value, and none has one if `status` is not ok.
struct FrameResult {
  std::uint64_t frame = 0;                ///< the number that submit() returned
  std::chrono::nanoseconds timestamp{0};  ///< as passed to submit(), or read from its clock
  std::chrono::steady_clock::time_point submitted;
  std::chrono::steady_clock::time_point finished;  ///< when the model and its task were done
  Status status;                                   ///< the reason if the frame has no result
  std::vector<Prediction> predictions;  ///< averaged, the most probable first; empty if not ok()
  std::vector<float> embedding;
  Mask mask;                          ///< of the frame as submitted, before its rotation
  std::vector<Detection> detections;  ///< likewise; empty also if nothing was found
};

/// Counts of frames. At any moment, submitted = processed + dropped + pending.
struct FrameCounts {
  std::uint64_t submitted = 0;
  std::uint64_t processed = 0;  ///< run or failed, and their callback has returned
  std::uint64_t failed = 0;     ///< of the processed frames
  std::uint64_t dropped = 0;    ///< replaced by a newer frame, or discarded by pause() or stop()
  std::uint64_t pending = 0;    ///< 0 to 2: one waits, one runs or is in the callback
};

/// Runs frames in the background. At most one frame waits, and a newer one replaces it. If a camera
/// is faster than the model, frames are dropped and counted, and the camera never has to wait.
///
/// submit() copies the pixels of a frame, without padding, into one of three buffers that are
/// reused. The caller may reuse its own memory at once. Everything else, including preprocessing,
/// happens on the worker thread. A buffer grows if its frame is larger than all before. Otherwise
/// only the run of the model allocates.
///
/// The callback runs on the worker thread, one call at a time, in the order of the frames, and
/// without a lock held. It may call every member except drain(), and may destroy the FrameStream. A
/// slow callback delays the next frame. If it throws, the exception ends there: the frame counts as
/// processed, the FrameStream stops as by stop(), and submit() and drain() report what was thrown.
///
/// All members may be called from any thread at any time, with one exception: while the object is
/// moved or destroyed, and afterwards, only the callback may call a member. Any number of
/// FrameStreams may run at once.
class FrameStream {
 public:
  using Callback = std::function<void(const FrameResult&)>;

  /// Returns the raw outputs for a frame, one for each class, unchanged until the next call; or the
  /// reason if there are none. It is called only on the worker thread, with a copy of the frame.
  using Logits = std::function<Result<const std::vector<float>*>(const ImageView&)>;

  /// Writes the result of a frame to the member of its task, or returns the reason if there is
  /// none. It is called only on the worker thread, with a copy of the frame. The member may still
  /// have the result of an earlier frame, whose memory can be used again.
  using Run = std::function<Status(const ImageView&, FrameResult&)>;

  /// Gives FrameResult::predictions. Refuses an empty callback, top_k below 1 and a negative or
  /// infinite time constant.
  static Result<FrameStream> create(Classifier classifier, Callback callback,
                                    const FrameClassifierOptions& options = {});
  /// Gives FrameResult::embedding.
  static Result<FrameStream> create(Embedder embedder, Callback callback);
  /// Gives FrameResult::mask.
  static Result<FrameStream> create(Segmenter segmenter, Callback callback,
                                    const SegmentOptions& options = {});
  /// Gives FrameResult::detections.
  static Result<FrameStream> create(Detector detector, Callback callback,
                                    const DetectOptions& options = {});
  /// For models that no class of hvit-edge runs. Refuses empty functions.
  static Result<FrameStream> create(Run run, Callback callback);

  FrameStream(FrameStream&&) noexcept;
  FrameStream& operator=(FrameStream&&) noexcept;
  /// Stops as stop() does. If the callback destroys the object, the thread ends by itself
  /// afterwards.
  ~FrameStream();

  /// Returns the frame's number: 1, 2, ... Refuses frames that validate() refuses, timestamps that
  /// are not later than the last one, and frames after stop(). These are not counted and have no
  /// callback. Later errors reach the callback as FrameResult::status.
  Result<std::uint64_t> submit(const ImageView& image, std::chrono::nanoseconds timestamp);
  /// Uses std::chrono::steady_clock as the timestamp. Use only one of the two overloads, or call
  /// reset_smoothing() in between.
  Result<std::uint64_t> submit(const ImageView& image);

  /// Starts a new average with the next submitted frame, whose timestamp may be earlier. Frames
  /// that were submitted before still belong to the old average. Without smoothing, it only allows
  /// the earlier timestamp.
  void reset_smoothing();

  /// Drops the waiting frame and all frames that are submitted until resume(), without copying
  /// them. The frame that runs is finished. The average stays.
  void pause();
  void resume();

  /// Waits until none of the frames submitted so far is pending. It is refused in the callback.
  Status drain();

  /// Drops the waiting frame, finishes the frame that runs with its callback, and ends the thread.
  /// Returns when that is done, or at once in the callback. It cannot be undone.
  void stop();

  FrameCounts counts() const;

 protected:
  explicit FrameStream(std::shared_ptr<FrameWorker> worker);

 private:
  std::shared_ptr<FrameWorker> worker_;
};

}  // namespace hvit_edge
