#include "artifact/golden_tensors.h"

#include <algorithm>

#include "artifact/compare_outputs.h"
#include "text.h"

namespace hvit_edge {

std::string golden_input(std::size_t index) { return concat("hve_golden_input_", index); }
std::string golden_output(std::size_t index) { return concat("hve_golden_output_", index); }

void check_golden_inputs(FieldReader& reader, const Program& program) {
  for (std::size_t i = 0; i < program.inputs().size(); ++i) {
    reader.expect_tensor(golden_input(i), program.inputs()[i]);
  }
}

void check_golden_outputs(FieldReader& reader, const Program& program) {
  for (std::size_t i = 0; i < program.outputs().size(); ++i) {
    reader.expect_tensor(golden_output(i), program.outputs()[i]);
  }
}

Result<SelfTest> compare_golden_outputs(Program& program, const Metadata& metadata,
                                        const std::vector<TensorView>& outputs) {
  SelfTest worst;
  worst.passed = worst.top1_agree = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto values = program.constant(golden_output(i));
    if (!values.ok()) return values.status();
    const SelfTest one =
        compare_outputs(view_of(values->front()), outputs[i], metadata.golden_tolerance);
    program.release(golden_output(i));
    worst.passed = worst.passed && one.passed;
    worst.max_abs = std::max(worst.max_abs, one.max_abs);
    worst.max_rel = std::max(worst.max_rel, one.max_rel);
  }
  return worst;
}

Result<SelfTest> run_tensor_self_test(Program& program, const Metadata& metadata,
                                      const RunFunction& run) {
  std::vector<TensorView> inputs;
  for (std::size_t i = 0; i < program.inputs().size(); ++i) {
    const auto values = program.constant(golden_input(i));
    if (!values.ok()) return values.status();
    inputs.push_back(view_of(values->front()));
  }
  const Result<std::vector<TensorView>> outputs = run(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) program.release(golden_input(i));
  if (!outputs.ok()) return outputs.status();
  return compare_golden_outputs(program, metadata, *outputs);
}

}  // namespace hvit_edge
