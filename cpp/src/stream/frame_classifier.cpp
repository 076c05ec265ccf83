#include "hvit_edge/frame_classifier.h"

#include <cmath>
#include <utility>

#include "guard.h"
#include "stream/frame_worker.h"
#include "text.h"

namespace hvit_edge {
namespace {

Status refuse(const std::string& message) {
  return Status(StatusCode::invalid_argument, "[FrameClassifier.create] " + message);
}

Status check(const FrameClassifier::Callback& callback, const FrameClassifierOptions& options) {
  if (!callback) return refuse("expected a callback, got an empty function; pass one");
  if (options.top_k < 1) {
    return refuse(
        concat("expected top_k of at least 1, got ", options.top_k, "; ask for one class or more"));
  }
  if (!std::isfinite(options.smoothing_seconds) || options.smoothing_seconds < 0) {
    return refuse(concat("expected smoothing_seconds of 0 or more, got ", options.smoothing_seconds,
                         "; 0 disables smoothing"));
  }
  return Status();
}

std::vector<std::string> labels_of(Classifier& classifier) {
  std::vector<std::string> labels = classifier.session().metadata().labels;
  if (!labels.empty()) return labels;
  for (int i = 0; i < classifier.num_classes(); ++i) labels.push_back(concat("class ", i));
  return labels;
}

}  // namespace

FrameClassifier::FrameClassifier(std::shared_ptr<FrameWorker> worker)
    : worker_(std::move(worker)) {}
FrameClassifier::FrameClassifier(FrameClassifier&&) noexcept = default;

FrameClassifier& FrameClassifier::operator=(FrameClassifier&& other) noexcept {
  if (this != &other) {
    if (worker_ != nullptr) worker_->finish();
    worker_ = std::move(other.worker_);
  }
  return *this;
}

FrameClassifier::~FrameClassifier() {
  if (worker_ != nullptr) worker_->finish();
}

Result<FrameClassifier> FrameClassifier::create(Classifier classifier, Callback callback,
                                                const FrameClassifierOptions& options) {
  return guarded("FrameClassifier.create", [&]() -> Result<FrameClassifier> {
    // A std::function must be copyable.
    auto model = std::make_shared<Classifier>(std::move(classifier));
    return create([model](const ImageView& image) { return model->logits(image); },
                  labels_of(*model), std::move(callback), options);
  });
}

Result<FrameClassifier> FrameClassifier::create(Logits logits, std::vector<std::string> labels,
                                                Callback callback,
                                                const FrameClassifierOptions& options) {
  return guarded("FrameClassifier.create", [&]() -> Result<FrameClassifier> {
    if (Status status = check(callback, options); !status.ok()) return status;
    if (!logits) return refuse("expected a function from frames to logits, got none; pass one");
    if (labels.empty()) return refuse("expected a label for each class, got none; pass labels");
    auto worker = std::make_shared<FrameWorker>(std::move(logits), std::move(labels),
                                                std::move(callback), options);
    FrameWorker::start(worker);
    return FrameClassifier(std::move(worker));
  });
}

Result<std::uint64_t> FrameClassifier::submit(const ImageView& image,
                                              std::chrono::nanoseconds timestamp) {
  return guarded("FrameClassifier.submit", [&] { return worker_->submit(image, timestamp); });
}

Result<std::uint64_t> FrameClassifier::submit(const ImageView& image) {
  return guarded("FrameClassifier.submit", [&] { return worker_->submit(image, std::nullopt); });
}

void FrameClassifier::reset_smoothing() { worker_->reset_smoothing(); }
void FrameClassifier::pause() { worker_->pause(); }
void FrameClassifier::resume() { worker_->resume(); }
Status FrameClassifier::drain() {
  return guarded("FrameClassifier.drain", [&] { return worker_->drain(); });
}
void FrameClassifier::stop() { worker_->stop(); }
FrameCounts FrameClassifier::counts() const { return worker_->counts(); }

}  // namespace hvit_edge
