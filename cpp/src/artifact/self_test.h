// Runs the golden photo or golden inputs and compares the results with the golden outputs.
#pragma once

#include <functional>
#include <vector>

#include "engine/program.h"
#include "hvit_edge/session.h"

namespace hvit_edge {

using RunFunction = std::function<Result<std::vector<TensorView>>(const std::vector<TensorView>&)>;

Result<SelfTest> run_self_test(Program& program, const Metadata& metadata, const RunFunction& run);

}  // namespace hvit_edge
