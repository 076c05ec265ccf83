// Finds the objects in the outputs of a detector.
#pragma once

#include <optional>
#include <vector>

#include "hvit_edge/detector.h"
#include "tasks/best_candidates.h"
#include "tasks/non_max_suppression.h"

namespace hvit_edge {

/// The values of DetectOptions, or of the artifact.
struct DetectLimits {
  double score_threshold = 0;
  double iou_threshold = 0;
  int candidates = 0;
  int max_detections = 0;
};

/// Allocates in the first call, and later only if the limits rise or `found` grows.
class BoxFinder {
 public:
  /// `spec` outlives the object. `classes` includes the background, class 0.
  BoxFinder(const DetectSpec& spec, int classes) : spec_(spec), classes_(classes) {}

  /// Replaces `found` by the objects, the best first. `logits` is [anchors, classes] and `offsets`
  /// [anchors, 4], with finite values.
  void run(const float* logits, const float* offsets, const DetectLimits& limits,
           const Placement& placement, std::vector<Detection>& found);

 private:
  void reserve(const DetectLimits& limits);
  bool choose(const float* offsets, const DetectLimits& limits, const Placement& placement,
              std::vector<Detection>& found);

  const DetectSpec& spec_;
  int classes_;
  std::optional<BestCandidates> best_;
  std::vector<int> compared_;  // candidates of each class
  KeptBoxes kept_;
};

}  // namespace hvit_edge
