#include "artifact/self_test.h"

#include <algorithm>

#include "artifact/compare_outputs.h"
#include "artifact/field_reader.h"
#include "artifact/golden_tensors.h"
#include "artifact/read_tasks.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr char kImage[] = "hve_golden_image";
constexpr char kOutput[] = "hve_golden_output";

Status bad_golden(const char* field, const TensorView& view, const std::string& expected) {
  return Status(StatusCode::invalid_artifact,
                concat("[Session.self_test] ", field, ": expected ", expected, ", got ",
                       to_string(view.shape), "; compile the model again"));
}

// Fills a batch after its first photo. Photo k is the first one with its columns rotated to the
// left by k * width / count.
void fill_batch(std::vector<float>& input, int count, const PreprocessSpec& spec) {
  const auto width = static_cast<std::size_t>(spec.input_width);
  const std::size_t rows = 3 * static_cast<std::size_t>(spec.input_height);
  input.resize(rows * width * static_cast<std::size_t>(count));
  for (std::size_t k = 1; k < static_cast<std::size_t>(count); ++k) {
    const std::size_t shift = k * width / static_cast<std::size_t>(count);
    for (std::size_t row = 0; row < rows; ++row) {
      const float* from = input.data() + row * width;
      std::rotate_copy(from, from + shift, from + width, input.data() + (k * rows + row) * width);
    }
  }
}

Result<std::vector<float>> preprocess_golden(Program& program, const Metadata& metadata) {
  const PreprocessSpec& spec = metadata.preprocess;
  const std::string field = field_of(program, kImage, metadata.method);
  const auto values = program.constant(field);
  if (!values.ok()) return values.status();
  const TensorView photo = view_of(values->front());
  if (photo.shape.size() != 3 || photo.shape[2] != 3) {
    return bad_golden(kImage, photo, "[height, width, 3]");
  }
  ImageView image;
  image.data = static_cast<const std::uint8_t*>(photo.data);
  image.height = static_cast<int>(photo.shape[0]);
  image.width = static_cast<int>(photo.shape[1]);
  Result<Preprocessor> preprocessor = Preprocessor::create(spec);
  if (!preprocessor.ok()) return preprocessor.status();
  std::vector<float> input(3 * static_cast<std::size_t>(spec.input_height) * spec.input_width);
  const Status status = preprocessor->run(image, input.data());
  program.release(field);
  if (!status.ok()) return status;
  return input;
}

// Compares the logits of a classifier with the golden ones.
Result<SelfTest> compare_logits(Program& program, const Metadata& metadata,
                                const TensorView& actual) {
  const std::string field = field_of(program, kOutput, metadata.method);
  const auto values = program.constant(field);
  if (!values.ok()) return values.status();
  const TensorView golden = view_of(values->front());
  if (golden.shape != actual.shape || actual.dtype != DType::float32) {
    program.release(field);
    return bad_golden(kOutput, golden, concat("float32 ", to_string(actual.shape)));
  }
  const SelfTest result = compare_outputs(golden, actual, metadata.golden_tolerance);
  program.release(field);
  return result;
}

}  // namespace

Result<SelfTest> run_self_test(Program& program, const Metadata& metadata, const RunFunction& run) {
  if (metadata.task == kTensorTask) return run_tensor_self_test(program, metadata, run);
  const PreprocessSpec& spec = metadata.preprocess;
  Result<std::vector<float>> input = preprocess_golden(program, metadata);
  if (!input.ok()) return input.status();
  const auto batch = static_cast<int>(program.inputs()[0].shape[0]);
  fill_batch(*input, batch, spec);
  TensorView view;
  view.data = input->data();
  view.shape = {batch, 3, spec.input_height, spec.input_width};
  const Result<std::vector<TensorView>> outputs = run({view});
  if (!outputs.ok()) return outputs.status();
  if (has_task_fields(metadata.task)) return compare_golden_outputs(program, metadata, *outputs);
  return compare_logits(program, metadata, outputs->front());
}

}  // namespace hvit_edge
