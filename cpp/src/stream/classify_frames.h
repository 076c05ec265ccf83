// The task of a stream of classes.
#pragma once

#include <string>
#include <vector>

#include "hvit_edge/frame_stream.h"
#include "stream/frame_task.h"

namespace hvit_edge {

/// Returns the task that averages the probabilities of a classifier over time. `name` is the class
/// that the caller created. Refuses options that cannot be, and logits or labels that are missing.
Result<FrameTask> classify_frames(const char* name, FrameStream::Logits logits,
                                  std::vector<std::string> labels,
                                  const FrameClassifierOptions& options);

/// Does the same for a Classifier, which it takes over.
Result<FrameTask> classify_frames(const char* name, Classifier classifier,
                                  const FrameClassifierOptions& options);

}  // namespace hvit_edge
