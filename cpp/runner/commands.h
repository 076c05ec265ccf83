// The commands of the runner. Each gives the JSON object that goes to standard output.
#pragma once

#include <string>

#include "arguments.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// What the machine is and has.
Result<std::string> facts_command(const Arguments& arguments);
/// Compares the artifact with its own golden output.
Result<std::string> self_test_command(const Arguments& arguments);
/// Runs raw float32 inputs from a file, writes raw float32 outputs to a file.
Result<std::string> run_command(const Arguments& arguments);
/// Compares the preprocessing of every instruction set of the machine with the scalar one.
Result<std::string> check_pixels_command(const Arguments& arguments);
/// Names what is in a photo.
Result<std::string> classify_command(const Arguments& arguments);
/// Times loading and running.
Result<std::string> bench_command(const Arguments& arguments);
/// Times each operator of the backend.
Result<std::string> profile_command(const Arguments& arguments);
/// One inference between the marks that an instruction counter looks for, and one more with marks
/// around its operators.
Result<std::string> count_command(const Arguments& arguments);

}  // namespace hvit_edge
