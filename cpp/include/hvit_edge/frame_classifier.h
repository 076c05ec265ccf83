// FrameClassifier: a FrameStream of classes, also for classifiers that hvit-edge does not run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/frame_stream.h"

namespace hvit_edge {

/// Classifies frames in the background: see FrameStream, whose members and promises it has.
class FrameClassifier : public FrameStream {
 public:
  /// Refuses an empty callback, top_k below 1 and a negative or infinite time constant.
  static Result<FrameClassifier> create(Classifier classifier, Callback callback,
                                        const FrameClassifierOptions& options = {});
  /// For models that no Classifier runs. `labels` has one entry for each class, at least one.
  static Result<FrameClassifier> create(Logits logits, std::vector<std::string> labels,
                                        Callback callback,
                                        const FrameClassifierOptions& options = {});

 private:
  explicit FrameClassifier(std::shared_ptr<FrameWorker> worker);
};

}  // namespace hvit_edge
