#include "hvit_edge/detector.h"

#include <utility>

#include "guard.h"
#include "photo_runner.h"
#include "tasks/box_finder.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kFirstClass = 1;  // after the background

Status check_threshold(const char* name, double value) {
  if (value >= 0 && value <= 1) return Status();
  return Status(StatusCode::invalid_argument,
                concat("[Detector.detect] expected ", name, " of 0 to 1, got ", value,
                       "; leave it out to use the artifact's"));
}

Status check_count(const char* name, int value) {
  if (value >= 1) return Status();
  return Status(StatusCode::invalid_argument,
                concat("[Detector.detect] expected ", name, " of at least 1, got ", value,
                       "; leave it out to use the artifact's"));
}

Result<DetectLimits> limits_of(const DetectSpec& spec, const DetectOptions& options) {
  const DetectLimits limits = {options.score_threshold.value_or(spec.score_threshold),
                               options.iou_threshold.value_or(spec.iou_threshold),
                               options.candidates.value_or(spec.candidates),
                               options.max_detections.value_or(spec.max_detections)};
  for (Status status : {check_threshold("score_threshold", limits.score_threshold),
                        check_threshold("iou_threshold", limits.iou_threshold),
                        check_count("candidates", limits.candidates),
                        check_count("max_detections", limits.max_detections)}) {
    if (!status.ok()) return status;
  }
  return limits;
}

}  // namespace

struct Detector::State {
  State(Session opened, bool pinned) : runner(std::move(opened), pinned) {}

  static Result<Detector> loaded(Result<Session> session, bool pinned);
  static Result<Detector> checked(Session session, bool pinned);

  Status detect(const ImageView& image, std::vector<Detection>& found,
                const DetectOptions& options);
  // With the background.
  int classes() const { return static_cast<int>(runner.session.outputs()[0].shape[2]); }

  PhotoRunner runner;
  std::optional<BoxFinder> finder;
};

Result<Detector> Detector::State::checked(Session session, bool pinned) {
  auto state = std::make_unique<State>(std::move(session), pinned);
  if (Status status = state->runner.prepare({kDetectTask, "Detector.create"}); !status.ok()) {
    return status;
  }
  state->finder.emplace(state->runner.session.metadata().detect, state->classes());
  return Detector(std::move(state));
}

Status Detector::State::detect(const ImageView& image, std::vector<Detection>& found,
                               const DetectOptions& options) {
  const Metadata& metadata = runner.session.metadata();
  const Result<DetectLimits> limits = limits_of(metadata.detect, options);
  if (!limits.ok()) return limits.status();
  if (Status status = runner.run(image); !status.ok()) return status;
  if (Status status = runner.check_finite("Detector.detect"); !status.ok()) return status;
  const Result<Placement> placement = place(metadata.preprocess, image);
  if (!placement.ok()) return placement.status();
  finder->run(runner.outputs[0].data(), runner.outputs[1].data(), *limits, *placement, found);
  return Status();
}

Status Detector::detect(const ImageView& image, std::vector<Detection>& found,
                        const DetectOptions& options) {
  return guarded("Detector.detect", [&] { return state_->detect(image, found, options); });
}

int Detector::num_classes() const { return state_->classes() - kFirstClass; }

std::string Detector::label(int index) const {
  return label_of(state_->runner.session.metadata().labels, index, kFirstClass);
}

Detector::Detector(std::unique_ptr<State> state) : state_(std::move(state)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::State::loaded(Result<Session> session, bool pinned) {
  if (!session.ok()) return session.status();
  return guarded("Detector.create", [&] { return checked(std::move(session).value(), pinned); });
}

Result<Detector> Detector::load(const std::string& path, const SessionOptions& options) {
  return State::loaded(Session::load(path, options), !options.method.empty());
}

Result<Detector> Detector::load(const void* data, std::size_t size, const SessionOptions& options) {
  return State::loaded(Session::load(data, size, options), !options.method.empty());
}

Result<Detector> Detector::create(Session session) {
  return State::loaded(std::move(session), false);
}

Result<const std::vector<std::vector<float>>*> Detector::outputs(const ImageView& image) {
  return guarded("Detector.outputs", [&]() -> Result<const std::vector<std::vector<float>>*> {
    if (Status status = state_->runner.run(image); !status.ok()) return status;
    return &state_->runner.outputs;
  });
}

Session& Detector::session() { return state_->runner.session; }

}  // namespace hvit_edge
