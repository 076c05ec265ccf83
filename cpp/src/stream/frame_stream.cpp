#include "hvit_edge/frame_stream.h"

#include <utility>

#include "guard.h"
#include "stream/classify_frames.h"
#include "stream/frame_worker.h"

namespace hvit_edge {
namespace {

constexpr char kName[] = "FrameStream";
constexpr char kCreate[] = "FrameStream.create";

// Starts a worker that calls `run(model, frame, result)`.
template <typename Model, typename Run>
Result<std::shared_ptr<FrameWorker>> start(Model model, FrameStream::Callback callback, Run run) {
  const auto shared = std::make_shared<Model>(std::move(model));  // a std::function is copyable
  FrameTask task;
  task.name = kName;
  task.run = [shared, run](const ImageView& frame, FrameResult& result) {
    return run(*shared, frame, result);
  };
  return FrameWorker::started(kName, std::move(task), std::move(callback));
}

Status embed(Embedder& embedder, const ImageView& frame, FrameResult& result) {
  const Result<const std::vector<float>*> found = embedder.embed(frame);
  if (!found.ok()) return found.status();
  result.embedding = **found;
  return Status();
}

}  // namespace

FrameStream::FrameStream(std::shared_ptr<FrameWorker> worker) : worker_(std::move(worker)) {}
FrameStream::FrameStream(FrameStream&&) noexcept = default;

FrameStream& FrameStream::operator=(FrameStream&& other) noexcept {
  if (this != &other) {
    if (worker_ != nullptr) worker_->finish();
    worker_ = std::move(other.worker_);
  }
  return *this;
}

FrameStream::~FrameStream() {
  if (worker_ != nullptr) worker_->finish();
}

Result<FrameStream> FrameStream::create(Classifier classifier, Callback callback,
                                        const FrameClassifierOptions& options) {
  return guarded(kCreate, [&]() -> Result<FrameStream> {
    auto worker = FrameWorker::started(
        kName, classify_frames(kName, std::move(classifier), options), std::move(callback));
    if (!worker.ok()) return worker.status();
    return FrameStream(std::move(worker).value());
  });
}

Result<FrameStream> FrameStream::create(Embedder embedder, Callback callback) {
  return guarded(kCreate, [&]() -> Result<FrameStream> {
    auto worker = start(std::move(embedder), std::move(callback), embed);
    if (!worker.ok()) return worker.status();
    return FrameStream(std::move(worker).value());
  });
}

Result<FrameStream> FrameStream::create(Segmenter segmenter, Callback callback,
                                        const SegmentOptions& options) {
  return guarded(kCreate, [&]() -> Result<FrameStream> {
    auto worker = start(std::move(segmenter), std::move(callback),
                        [options](Segmenter& model, const ImageView& frame, FrameResult& result) {
                          return model.segment(frame, result.mask, options);
                        });
    if (!worker.ok()) return worker.status();
    return FrameStream(std::move(worker).value());
  });
}

Result<FrameStream> FrameStream::create(Detector detector, Callback callback,
                                        const DetectOptions& options) {
  return guarded(kCreate, [&]() -> Result<FrameStream> {
    auto worker = start(std::move(detector), std::move(callback),
                        [options](Detector& model, const ImageView& frame, FrameResult& result) {
                          return model.detect(frame, result.detections, options);
                        });
    if (!worker.ok()) return worker.status();
    return FrameStream(std::move(worker).value());
  });
}

Result<FrameStream> FrameStream::create(Run run, Callback callback) {
  return guarded(kCreate, [&]() -> Result<FrameStream> {
    if (!run) {
      return Status(StatusCode::invalid_argument,
                    "[FrameStream.create] expected a function that runs frames, got none; pass "
                    "one");
    }
    auto worker =
        FrameWorker::started(kName, FrameTask{kName, std::move(run), nullptr}, std::move(callback));
    if (!worker.ok()) return worker.status();
    return FrameStream(std::move(worker).value());
  });
}

Result<std::uint64_t> FrameStream::submit(const ImageView& image,
                                          std::chrono::nanoseconds timestamp) {
  return guarded("FrameStream.submit", [&] { return worker_->submit(image, timestamp); });
}

Result<std::uint64_t> FrameStream::submit(const ImageView& image) {
  return guarded("FrameStream.submit", [&] { return worker_->submit(image, std::nullopt); });
}

void FrameStream::reset_smoothing() { worker_->reset_smoothing(); }
void FrameStream::pause() { worker_->pause(); }
void FrameStream::resume() { worker_->resume(); }
Status FrameStream::drain() {
  return guarded("FrameStream.drain", [&] { return worker_->drain(); });
}
void FrameStream::stop() { worker_->stop(); }
FrameCounts FrameStream::counts() const { return worker_->counts(); }

}  // namespace hvit_edge
