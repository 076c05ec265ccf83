#include "stream/classify_frames.h"

#include <cmath>
#include <memory>
#include <utility>

#include "guard.h"
#include "stream/smoothed_predictions.h"
#include "text.h"

namespace hvit_edge {
namespace {

Status refuse(const char* name, const std::string& message) {
  return Status(StatusCode::invalid_argument, concat("[", name, ".create] ", message));
}

Status check(const char* name, const FrameClassifierOptions& options) {
  if (options.top_k < 1) {
    return refuse(name, concat("expected top_k of at least 1, got ", options.top_k,
                               "; ask for one class or more"));
  }
  if (!std::isfinite(options.smoothing_seconds) || options.smoothing_seconds < 0) {
    return refuse(name, concat("expected smoothing_seconds of 0 or more, got ",
                               options.smoothing_seconds, "; 0 disables smoothing"));
  }
  return Status();
}

std::vector<std::string> labels_of(Classifier& classifier) {
  std::vector<std::string> labels = classifier.session().metadata().labels;
  if (!labels.empty()) return labels;
  for (int i = 0; i < classifier.num_classes(); ++i) labels.push_back(concat("class ", i));
  return labels;
}

struct ClassifyFrames {
  Status run(const ImageView& frame, FrameResult& result) {
    const Result<const std::vector<float>*> found = logits_of(frame);
    if (!found.ok()) return found.status();
    if (*found == nullptr) {
      return Status(StatusCode::execution_failed,
                    concat("[", name,
                           "] expected logits, got a null pointer; return a Status if "
                           "there are none"));
    }
    if (Status status = predictions.update(**found, result.timestamp); !status.ok()) return status;
    predictions.write(result.predictions);
    return Status();
  }

  Result<const std::vector<float>*> logits_of(const ImageView& frame) {
    return catching([&] { return logits(frame); },
                    [this](Thrown thrown, const char* what) {
                      if (thrown == Thrown::no_memory) return no_memory(name);
                      return Status(StatusCode::execution_failed,
                                    concat("[", name, "] expected logits, got an exception: ", what,
                                           "; return a Status instead"));
                    });
  }

  const char* name;
  FrameStream::Logits logits;
  SmoothedPredictions predictions;
};

}  // namespace

Result<FrameTask> classify_frames(const char* name, FrameStream::Logits logits,
                                  std::vector<std::string> labels,
                                  const FrameClassifierOptions& options) {
  if (Status status = check(name, options); !status.ok()) return status;
  if (!logits) {
    return refuse(name, "expected a function from frames to logits, got none; pass one");
  }
  if (labels.empty()) {
    return refuse(name, "expected a label for each class, got none; pass labels");
  }
  SmoothedPredictions predictions(std::move(labels), options.top_k, options.smoothing_seconds,
                                  name);
  const std::shared_ptr<ClassifyFrames> shared(  // a std::function must be copyable
      new ClassifyFrames{name, std::move(logits), std::move(predictions)});
  return FrameTask{
      name,
      [shared](const ImageView& frame, FrameResult& result) { return shared->run(frame, result); },
      [shared] { shared->predictions.reset(); }};
}

Result<FrameTask> classify_frames(const char* name, Classifier classifier,
                                  const FrameClassifierOptions& options) {
  const auto model = std::make_shared<Classifier>(std::move(classifier));
  return classify_frames(
      name, [model](const ImageView& frame) { return model->logits(frame); }, labels_of(*model),
      options);
}

}  // namespace hvit_edge
