// The golden tensors of an artifact whose outputs have names, and the comparison with them.
#pragma once

#include <string>

#include "artifact/field_reader.h"
#include "artifact/self_test.h"

namespace hvit_edge {

/// Returns a name such as "hve_golden_input_0".
std::string golden_input(std::size_t index);
/// Returns a name such as "hve_golden_output_0".
std::string golden_output(std::size_t index);

/// Record a fault for each golden tensor whose shape or dtype differs from that of forward.
void check_golden_inputs(FieldReader& reader, const Program& program);
void check_golden_outputs(FieldReader& reader, const Program& program);

/// Compares every output with its golden one; the worst one decides.
Result<SelfTest> compare_golden_outputs(Program& program, const Metadata& metadata,
                                        const std::vector<TensorView>& outputs);

/// Runs the golden inputs of the task "tensor", and compares the outputs.
Result<SelfTest> run_tensor_self_test(Program& program, const Metadata& metadata,
                                      const RunFunction& run);

}  // namespace hvit_edge
