#include "hvit_edge/classifier.h"

#include <algorithm>
#include <utility>

#include "guard.h"
#include "rank.h"
#include "softmax.h"
#include "text.h"

namespace hvit_edge {

struct Classifier::State {
  State(Session loaded, Preprocessor prepared)
      : session(std::move(loaded)), preprocessor(std::move(prepared)) {
    const TensorSpec& wanted = session.inputs()[0];
    input.resize(static_cast<std::size_t>(wanted.numel()));
    logits.resize(static_cast<std::size_t>(session.outputs()[0].numel()));
    inputs = {TensorView{input.data(), wanted.shape, wanted.dtype}};
    outputs = {logits.data()};
  }

  Status run(const ImageView& image) {
    if (Status status = preprocessor.run(image, input.data()); !status.ok()) return status;
    return session.run(inputs, outputs);
  }

  Result<std::vector<Prediction>> classify(const ImageView& image, int top_k);

  Session session;
  Preprocessor preprocessor;
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

Result<Classifier> Classifier::load(const std::string& path, const SessionOptions& options) {
  Result<Session> session = Session::load(path, options);
  if (!session.ok()) return session.status();
  return create(std::move(session).value());
}

Result<Classifier> Classifier::load(const void* data, std::size_t size,
                                    const SessionOptions& options) {
  Result<Session> session = Session::load(data, size, options);
  if (!session.ok()) return session.status();
  return create(std::move(session).value());
}

Result<Classifier> Classifier::create(Session session) {
  return guarded("Classifier.create", [&]() -> Result<Classifier> {
    if (session.metadata().task != kClassifyTask) {
      return Status(
          StatusCode::invalid_artifact,
          concat("[Classifier.create] expected an artifact of the task ", kClassifyTask,
                 ", got one of the task ", session.metadata().task,
                 "; use Session, which takes and returns arrays, and `hvit-edge validate` to "
                 "check it"));
    }
    const std::vector<TensorSpec>& inputs = session.inputs();
    const std::vector<TensorSpec>& outputs = session.outputs();
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
    Result<Preprocessor> preprocessor = Preprocessor::create(session.metadata().preprocess);
    if (!preprocessor.ok()) return preprocessor.status();
    return Classifier(std::make_unique<State>(std::move(session), std::move(preprocessor).value()));
  });
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
