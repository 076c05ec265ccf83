// The runner without its process: maps a command line to output and exit status.
#pragma once

#include <string>
#include <vector>

namespace hvit_edge {

struct Outcome {
  int exit_code = 0;   ///< 0; 2: bad usage, input or artifact; 1: anything else
  std::string output;  ///< for standard output: one JSON object, empty on errors
  std::string error;   ///< for standard error
};

/// Runs a command; `words` are the arguments without the program's name.
Outcome execute(const std::vector<std::string>& words);

}  // namespace hvit_edge
