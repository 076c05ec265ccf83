#include "artifact/self_test.h"

#include "artifact/compare_outputs.h"
#include "artifact/golden_tensors.h"
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

Result<std::vector<float>> preprocess_golden(Program& program, const PreprocessSpec& spec) {
  const auto values = program.constant(kImage);
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
  program.release(kImage);
  if (!status.ok()) return status;
  return input;
}

}  // namespace

Result<SelfTest> run_self_test(Program& program, const Metadata& metadata, const RunFunction& run) {
  if (metadata.task == kTensorTask) return run_tensor_self_test(program, metadata, run);
  const PreprocessSpec& spec = metadata.preprocess;
  const Result<std::vector<float>> input = preprocess_golden(program, spec);
  if (!input.ok()) return input.status();
  TensorView view;
  view.data = input->data();
  view.shape = {1, 3, spec.input_height, spec.input_width};
  const Result<std::vector<TensorView>> outputs = run({view});
  if (!outputs.ok()) return outputs.status();
  const auto values = program.constant(kOutput);
  if (!values.ok()) return values.status();
  const TensorView golden = view_of(values->front());
  const TensorView& actual = outputs->front();
  if (golden.shape != actual.shape || actual.dtype != DType::float32) {
    program.release(kOutput);
    return bad_golden(kOutput, golden, concat("float32 ", to_string(actual.shape)));
  }
  const SelfTest result = compare_outputs(golden, actual, metadata.golden_tolerance);
  program.release(kOutput);
  return result;
}

}  // namespace hvit_edge
