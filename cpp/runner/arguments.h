// Parses the command line of the runner: operands, and --options with integers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// The option `--name N` with N from `least` to `most`.
struct OptionRule {
  std::string name;
  int standard = 0;
  int least = 0;
  int most = 0;
};

/// The operands and options of a command.
struct CommandRule {
  std::vector<std::string> operands;  ///< their names, for messages
  std::vector<OptionRule> options;
};

struct Arguments {
  std::vector<std::string> operands;
  std::map<std::string, int> options;  ///< every option of the rule, whether it was given or not
};

/// Returns the usage of a command: "classify MODEL PHOTO.ppm [--top-k 5] [--threads 0]".
std::string usage_of(const std::string& command, const CommandRule& rule);

/// Parses the words of a command. Options may be anywhere; after "--" all words are operands.
/// Refuses options that the rule does not have.
Result<Arguments> parse_arguments(const std::string& command, const CommandRule& rule,
                                  const std::vector<std::string>& words);

}  // namespace hvit_edge
