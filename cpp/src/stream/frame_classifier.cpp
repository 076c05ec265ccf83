#include "hvit_edge/frame_classifier.h"

#include <utility>

#include "guard.h"
#include "stream/classify_frames.h"
#include "stream/frame_worker.h"

namespace hvit_edge {
namespace {

constexpr char kName[] = "FrameClassifier";

}  // namespace

FrameClassifier::FrameClassifier(std::shared_ptr<FrameWorker> worker)
    : FrameStream(std::move(worker)) {}

Result<FrameClassifier> FrameClassifier::create(Classifier classifier, Callback callback,
                                                const FrameClassifierOptions& options) {
  return guarded("FrameClassifier.create", [&]() -> Result<FrameClassifier> {
    auto worker = FrameWorker::started(
        kName, classify_frames(kName, std::move(classifier), options), std::move(callback));
    if (!worker.ok()) return worker.status();
    return FrameClassifier(std::move(worker).value());
  });
}

Result<FrameClassifier> FrameClassifier::create(Logits logits, std::vector<std::string> labels,
                                                Callback callback,
                                                const FrameClassifierOptions& options) {
  return guarded("FrameClassifier.create", [&]() -> Result<FrameClassifier> {
    auto worker = FrameWorker::started(
        kName, classify_frames(kName, std::move(logits), std::move(labels), options),
        std::move(callback));
    if (!worker.ok()) return worker.status();
    return FrameClassifier(std::move(worker).value());
  });
}

}  // namespace hvit_edge
