#include "hvit_edge/classifier.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "guard.h"
#include "photo_runner.h"
#include "rank.h"
#include "softmax.h"
#include "text.h"

namespace hvit_edge {

struct Classifier::State {
  State(Session opened, bool pinned) : runner(std::move(opened), pinned) {}

  static Result<Classifier> loaded(Result<Session> session, bool pinned);
  static Result<Classifier> checked(Session session, bool pinned);

  Status check_outputs() const;
  Result<std::vector<Prediction>> classify(const ImageView& image, int top_k);
  const std::vector<float>& logits() const { return runner.outputs[0]; }

  PhotoRunner runner;
  std::vector<double> probabilities;
  std::vector<int> order;
};

Result<std::vector<Prediction>> Classifier::State::classify(const ImageView& image, int top_k) {
  if (top_k < 1) {
    return Status(StatusCode::invalid_argument,
                  concat("[Classifier.classify] expected top_k of at least 1, got ", top_k,
                         "; ask for one class or more"));
  }
  if (Status status = runner.run(image); !status.ok()) return status;
  if (Status status = softmax("Classifier.classify", logits(), probabilities); !status.ok()) {
    return status;
  }
  const std::size_t count = std::min(logits().size(), static_cast<std::size_t>(top_k));
  rank(logits(), count, order);
  std::vector<Prediction> predictions;
  const std::vector<std::string>& labels = runner.session.metadata().labels;
  for (std::size_t i = 0; i < count; ++i) {
    const int index = order[i];
    predictions.push_back(
        {label_of(labels, index), index, static_cast<float>(probabilities[index])});
  }
  return predictions;
}

Classifier::Classifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

Result<Classifier> Classifier::State::loaded(Result<Session> session, bool pinned) {
  if (!session.ok()) return session.status();
  return guarded("Classifier.create", [&] { return checked(std::move(session).value(), pinned); });
}

Status Classifier::State::check_outputs() const {
  const std::vector<TensorSpec>& outputs = runner.session.outputs();
  const bool one_row = outputs.size() == 1 && outputs[0].dtype == DType::float32 &&
                       outputs[0].shape.size() == 2 && outputs[0].shape[0] == 1 &&
                       outputs[0].shape[1] > 0;
  if (one_row) return Status();
  return Status(
      StatusCode::invalid_artifact,
      concat("[Classifier.create] expected a program from one float32 image to float32 "
             "[1, classes], got ",
             runner.session.inputs().size(), " inputs and ", outputs.size(), " outputs, the first ",
             outputs.empty() ? "missing" : to_string(outputs[0].shape),
             "; use Session for other models"));
}

Result<Classifier> Classifier::State::checked(Session session, bool pinned) {
  auto state = std::make_unique<State>(std::move(session), pinned);
  if (Status status = state->runner.prepare({kClassifyTask, "Classifier.create"}); !status.ok()) {
    return status;
  }
  if (Status status = state->check_outputs(); !status.ok()) return status;
  return Classifier(std::move(state));
}

Result<Classifier> Classifier::load(const std::string& path, const SessionOptions& options) {
  return State::loaded(Session::load(path, options), !options.method.empty());
}

Result<Classifier> Classifier::load(const void* data, std::size_t size,
                                    const SessionOptions& options) {
  return State::loaded(Session::load(data, size, options), !options.method.empty());
}

Result<Classifier> Classifier::create(Session session) {
  return guarded("Classifier.create", [&] { return State::checked(std::move(session), false); });
}

Result<std::vector<Prediction>> Classifier::classify(const ImageView& image, int top_k) {
  return guarded("Classifier.classify", [&] { return state_->classify(image, top_k); });
}

Result<const std::vector<float>*> Classifier::logits(const ImageView& image) {
  return guarded("Classifier.logits", [&]() -> Result<const std::vector<float>*> {
    if (Status status = state_->runner.run(image); !status.ok()) return status;
    return &state_->logits();
  });
}

int Classifier::num_classes() const { return static_cast<int>(state_->logits().size()); }

Session& Classifier::session() { return state_->runner.session; }

}  // namespace hvit_edge
