// The commands of the runner. Each returns the JSON object for standard output.
#pragma once

#include <string>

#include "arguments.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Describes the machine.
Result<std::string> facts_command(const Arguments& arguments);
/// Compares the artifact's output with its golden output.
Result<std::string> self_test_command(const Arguments& arguments);
/// Runs samples from a file and writes their outputs to a file. Both contain the arrays of each
/// sample in order, as raw bytes.
Result<std::string> run_command(const Arguments& arguments);
/// Compares the preprocessing of every instruction set of the machine with the scalar one.
Result<std::string> check_pixels_command(const Arguments& arguments);
/// Classifies a photo.
Result<std::string> classify_command(const Arguments& arguments);
/// Times loading and running.
Result<std::string> bench_command(const Arguments& arguments);
/// Times each operator of the backend.
Result<std::string> profile_command(const Arguments& arguments);
/// Runs one inference between the marks that an instruction counter looks for, and another one with
/// marks around its operators.
Result<std::string> count_command(const Arguments& arguments);

}  // namespace hvit_edge
