// Finds the objects in the outputs of a detector.
#pragma once

#include <vector>

#include "hvit_edge/detector.h"
#include "tasks/decode_boxes.h"

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
  struct Candidate {
    float score = 0;
    int anchor = 0;
  };
  struct Object {
    Detection detection;
    int anchor = 0;
  };

  void reserve(const DetectLimits& limits);
  void score(const float* logits, double threshold);
  void choose(int index, double threshold, int most);
  void suppress(int index, const float* offsets, const DetectLimits& limits,
                const Placement& placement);
  void keep_best(int count);

  const DetectSpec& spec_;
  int classes_;
  std::vector<int> anchors_;           // those with a class above the threshold
  std::vector<float> probabilities_;   // [anchors_, classes]
  std::vector<Candidate> candidates_;  // of one class
  std::vector<Box> boxes_;             // of the candidates
  std::vector<int> kept_;
  std::vector<Object> objects_;
};

}  // namespace hvit_edge
