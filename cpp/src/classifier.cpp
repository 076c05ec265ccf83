#include "hvit_edge/classifier.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "guard.h"
#include "rank.h"
#include "softmax.h"
#include "text.h"

namespace hvit_edge {

struct Classifier::State {
  State(Session opened, bool named) : session(std::move(opened)), pinned(named) {}

  static Result<Classifier> loaded(Result<Session> session, bool pinned);
  static Result<Classifier> checked(Session session, bool pinned);

  // Selects a method for single photos, if the session's takes a batch and there are others.
  Status leave_batches() {
    const Metadata& metadata = session.metadata();
    const std::vector<MethodInfo>& methods = metadata.methods;
    if (methods.empty() || session.inputs()[0].shape[0] == 1) return Status();
    const int single = method_for(methods, 1, 1);
    if (!pinned && single >= 0) return choose(1, 1);
    return Status(StatusCode::invalid_argument,
                  concat("[Classifier.create] expected a method with a batch of 1, got ",
                         metadata.method, "; use Session, which takes [batch, 3, height, width]"));
  }

  // Makes the preprocessing and the buffers of the session's method.
  Status adopt() {
    Result<Preprocessor> prepared = Preprocessor::create(session.metadata().preprocess);
    if (!prepared.ok()) return prepared.status();
    preprocessor.emplace(std::move(prepared).value());
    const TensorSpec& wanted = session.inputs()[0];
    input.resize(static_cast<std::size_t>(wanted.numel()));
    input.shrink_to_fit();
    logits.resize(static_cast<std::size_t>(session.outputs()[0].numel()));
    inputs = {TensorView{input.data(), wanted.shape, wanted.dtype}};
    outputs = {logits.data()};
    return Status();
  }

  // Selects the method for a photo of this upright size.
  Status choose(int width, int height) {
    const std::vector<MethodInfo>& methods = session.metadata().methods;
    if (methods.empty() || pinned) return Status();
    const int best = method_for(methods, width, height);
    const std::string& name = methods[static_cast<std::size_t>(best)].name;
    if (name == session.metadata().method) return Status();
    if (Status status = session.select(name); !status.ok()) return status;
    return adopt();
  }

  Status run(const ImageView& image) {
    if (Status status = validate(image); !status.ok()) return status;
    const bool turned = image.rotation == Rotation::by_90 || image.rotation == Rotation::by_270;
    if (Status status =
            choose(turned ? image.height : image.width, turned ? image.width : image.height);
        !status.ok()) {
      return status;
    }
    if (Status status = preprocessor->run(image, input.data()); !status.ok()) return status;
    return session.run(inputs, outputs);
  }

  Result<std::vector<Prediction>> classify(const ImageView& image, int top_k);

  Session session;
  bool pinned;  // the caller named the method
  std::optional<Preprocessor> preprocessor;
  std::vector<float> input;
  std::vector<float> logits;
  std::vector<TensorView> inputs;  // views `input`
  std::vector<float*> outputs;     // points to `logits`
  std::vector<double> probabilities;
  std::vector<int> order;
};

Result<std::vector<Prediction>> Classifier::State::classify(const ImageView& image, int top_k) {
  if (top_k < 1) {
    return Status(StatusCode::invalid_argument,
                  concat("[Classifier.classify] expected top_k of at least 1, got ", top_k,
                         "; ask for one class or more"));
  }
  if (Status status = run(image); !status.ok()) return status;
  if (Status status = softmax("Classifier.classify", logits, probabilities); !status.ok()) {
    return status;
  }
  const std::size_t count = std::min(logits.size(), static_cast<std::size_t>(top_k));
  rank(logits, count, order);
  std::vector<Prediction> predictions;
  const std::vector<std::string>& labels = session.metadata().labels;
  for (std::size_t i = 0; i < count; ++i) {
    const int index = order[i];
    predictions.push_back({labels.empty() ? concat("class ", index) : labels[index], index,
                           static_cast<float>(probabilities[index])});
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

Result<Classifier> Classifier::State::checked(Session session, bool pinned) {
  if (session.metadata().task != kClassifyTask) {
    return Status(StatusCode::invalid_artifact,
                  concat("[Classifier.create] expected an artifact of the task ", kClassifyTask,
                         ", got one of the task ", session.metadata().task,
                         "; use Session, which takes and returns arrays, and `hvit-edge validate` "
                         "to check it"));
  }
  auto state = std::make_unique<State>(std::move(session), pinned);
  if (Status status = state->leave_batches(); !status.ok()) return status;
  const std::vector<TensorSpec>& inputs = state->session.inputs();
  const std::vector<TensorSpec>& outputs = state->session.outputs();
  const bool one_image = inputs.size() == 1 && inputs[0].dtype == DType::float32;
  const bool one_row = outputs.size() == 1 && outputs[0].dtype == DType::float32 &&
                       outputs[0].shape.size() == 2 && outputs[0].shape[0] == 1 &&
                       outputs[0].shape[1] > 0;
  if (!one_image || !one_row) {
    return Status(StatusCode::invalid_artifact,
                  concat("[Classifier.create] expected a program from one float32 image to "
                         "float32 [1, classes], got ",
                         inputs.size(), " inputs and ", outputs.size(), " outputs, the first ",
                         outputs.empty() ? "missing" : to_string(outputs[0].shape),
                         "; use Session for other models"));
  }
  if (Status status = state->adopt(); !status.ok()) return status;
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
    if (Status status = state_->run(image); !status.ok()) return status;
    return &state_->logits;
  });
}

int Classifier::num_classes() const { return static_cast<int>(state_->logits.size()); }

Session& Classifier::session() { return state_->session; }

}  // namespace hvit_edge
