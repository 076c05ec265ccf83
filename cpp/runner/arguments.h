// The command line of the runner: names and --options with whole numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// `--name N` with N from `least` to `most`.
struct OptionRule {
  std::string name;
  int standard = 0;
  int least = 0;
  int most = 0;
};

/// What a command takes.
struct CommandRule {
  std::vector<std::string> operands;  ///< their names, for messages
  std::vector<OptionRule> options;
};

struct Arguments {
  std::vector<std::string> operands;
  std::map<std::string, int> options;  ///< every option of the rule, given or not
};

/// "classify MODEL PHOTO.ppm [--top-k 5] [--threads 0]"
std::string usage_of(const std::string& command, const CommandRule& rule);

/// Options may stand anywhere; after "--" all are operands. Refuses what the rule does not name.
Result<Arguments> parse_arguments(const std::string& command, const CommandRule& rule,
                                  const std::vector<std::string>& words);

}  // namespace hvit_edge
