// The golden inputs of an artifact of the task "tensor", and the comparison with its golden
// outputs.
#pragma once

#include <string>

#include "artifact/field_reader.h"
#include "artifact/self_test.h"

namespace hvit_edge {

/// Returns a name such as "hve_golden_input_0".
std::string golden_input(std::size_t index);
/// Returns a name such as "hve_golden_output_0".
std::string golden_output(std::size_t index);

/// Records a fault for each golden tensor whose shape or dtype differs from that of forward.
void check_golden_tensors(FieldReader& reader, const Program& program);

/// Runs the golden inputs and compares every output; the worst one decides.
Result<SelfTest> run_tensor_self_test(Program& program, const Metadata& metadata,
                                      const RunFunction& run);

}  // namespace hvit_edge
