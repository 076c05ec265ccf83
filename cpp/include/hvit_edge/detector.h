// Detector: maps a photo to boxes around objects.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// An object. The box is in pixels of the frame as given, before its rotation and mirroring, and
/// inside the frame: (0, 0) is the upper left corner of the first pixel in memory.
struct Detection {
  int index = 0;    ///< the class, from 1; 0 is the background and never returned
  float score = 0;  ///< softmax probability
  float x = 0;      ///< the left side
  float y = 0;      ///< the upper side
  float width = 0;
  float height = 0;
};

/// What is empty has the value of the artifact, see DetectSpec.
struct DetectOptions {
  std::optional<double> score_threshold;
  std::optional<double> iou_threshold;
  std::optional<int> candidates;
  std::optional<int> max_detections;
};

/// Detects objects, with an artifact of the task "detect". Use a Detector from one thread at a
/// time. Several Detectors may run at once.
class Detector {
 public:
  static Result<Detector> load(const std::string& path, const SessionOptions& options = {});
  /// The caller keeps the memory alive and unchanged, see Session::load.
  static Result<Detector> load(const void* data, std::size_t size,
                               const SessionOptions& options = {});
  /// Refuses artifacts of another task.
  static Result<Detector> create(Session session);

  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  /// Replaces `found` by the objects, the best first; of equal scores that of the lower class and
  /// then of the earlier anchor. None is an empty list. Boxes are clipped to the frame, and those
  /// outside of it are left out. It allocates only in the first call, if `found` grows, and in the
  /// run of the model. Refuses thresholds outside 0 to 1, counts below 1, and outputs that are not
  /// finite.
  Status detect(const ImageView& image, std::vector<Detection>& found,
                const DetectOptions& options = {});

  /// Returns the raw outputs, one array for each of Session::outputs(); valid until the next call.
  Result<const std::vector<std::vector<float>>*> outputs(const ImageView& image);

  /// Returns the number of classes without the background.
  int num_classes() const;
  /// Returns the label of a class from 1 on, or "class 17" if the artifact has no labels.
  std::string label(int index) const;
  Session& session();

 private:
  struct State;
  explicit Detector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hvit_edge
