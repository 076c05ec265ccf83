#include "photo_runner.h"

#include <utility>

#include "engine/check_inputs.h"
#include "text.h"

namespace hvit_edge {
namespace {

// Returns what runs artifacts of a task.
const char* remedy(const std::string& task) {
  if (task == kClassifyTask) return "use Classifier";
  if (task == kEmbedTask) return "use Embedder";
  if (task == kSegmentTask) return "use Segmenter";
  if (task == kDetectTask) return "use Detector";
  return "use Session, which takes and returns arrays, and `hvit-edge validate` to check it";
}

Status check_task(const Metadata& metadata, const PhotoTask& task) {
  if (metadata.task == task.name) return Status();
  return Status(StatusCode::invalid_artifact,
                concat("[", task.where, "] expected an artifact of the task ", task.name,
                       ", got one of the task ", metadata.task, "; ", remedy(metadata.task)));
}

Status check_image(const Session& session, const PhotoTask& task) {
  const std::vector<TensorSpec>& inputs = session.inputs();
  if (inputs.size() == 1 && inputs[0].dtype == DType::float32) return Status();
  return Status(
      StatusCode::invalid_artifact,
      concat("[", task.where, "] expected a program with one float32 image as its input, got ",
             inputs.size(), " inputs, the first ", inputs.empty() ? "missing" : "of ",
             inputs.empty() ? "" : to_string(inputs[0].dtype), "; use Session for other models"));
}

}  // namespace

Status PhotoRunner::prepare(const PhotoTask& task) {
  if (Status status = check_task(session.metadata(), task); !status.ok()) return status;
  if (Status status = leave_batches(task); !status.ok()) return status;
  if (Status status = check_image(session, task); !status.ok()) return status;
  return adopt();
}

// Selects a method for single photos, if the session's takes a batch and there are others.
Status PhotoRunner::leave_batches(const PhotoTask& task) {
  const Metadata& metadata = session.metadata();
  const std::vector<MethodInfo>& methods = metadata.methods;
  if (methods.empty() || session.inputs()[0].shape[0] == 1) return Status();
  const int single = method_for(methods, 1, 1);
  if (!pinned_ && single >= 0) return choose(1, 1);
  return Status(StatusCode::invalid_argument,
                concat("[", task.where, "] expected a method with a batch of 1, got ",
                       metadata.method, "; use Session, which takes [batch, 3, height, width]"));
}

// Makes the preprocessing and the buffers of the session's method.
Status PhotoRunner::adopt() {
  Result<Preprocessor> prepared = Preprocessor::create(session.metadata().preprocess);
  if (!prepared.ok()) return prepared.status();
  preprocessor_.emplace(std::move(prepared).value());
  const TensorSpec& wanted = session.inputs()[0];
  input_.resize(static_cast<std::size_t>(wanted.numel()));
  input_.shrink_to_fit();
  inputs_ = {TensorView{input_.data(), wanted.shape, wanted.dtype}};
  outputs.resize(session.outputs().size());
  destinations_.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].resize(static_cast<std::size_t>(session.outputs()[i].numel()));
    destinations_.push_back(outputs[i].data());
  }
  return Status();
}

// Selects the method for a photo of this upright size.
Status PhotoRunner::choose(int width, int height) {
  const std::vector<MethodInfo>& methods = session.metadata().methods;
  if (methods.empty() || pinned_) return Status();
  const int best = method_for(methods, width, height);
  const std::string& name = methods[static_cast<std::size_t>(best)].name;
  if (name == session.metadata().method) return Status();
  if (Status status = session.select(name); !status.ok()) return status;
  return adopt();
}

Status PhotoRunner::run(const ImageView& image) {
  if (Status status = validate(image); !status.ok()) return status;
  const bool turned = image.rotation == Rotation::by_90 || image.rotation == Rotation::by_270;
  if (Status status =
          choose(turned ? image.height : image.width, turned ? image.width : image.height);
      !status.ok()) {
    return status;
  }
  if (Status status = preprocessor_->run(image, input_.data()); !status.ok()) return status;
  return session.run(inputs_, destinations_);
}

Status PhotoRunner::check_finite(const char* where) const {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<float>& values = outputs[i];
    const std::size_t bad = first_not_finite(values.data(), values.size());
    if (bad == values.size()) continue;
    return Status(
        StatusCode::execution_failed,
        concat("[", where, "] expected finite ", session.outputs()[i].name, ", got ", values[bad],
               " as number ", bad, "; compile the model at a higher precision"));
  }
  return Status();
}

std::string label_of(const std::vector<std::string>& labels, int index, int first) {
  const bool known = index >= first && static_cast<std::size_t>(index - first) < labels.size();
  return known ? labels[static_cast<std::size_t>(index - first)] : concat("class ", index);
}

}  // namespace hvit_edge
