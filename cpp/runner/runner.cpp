#include "runner.h"

#include "arguments.h"
#include "commands.h"
#include "guard.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMany = 1000000;
const OptionRule kThreads = {"--threads", 0, 0, 1024};

struct Command {
  const char* name;
  CommandRule rule;
  Result<std::string> (*execute)(const Arguments&);
};

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"facts", {{}, {}}, &facts_command},
      {"self-test", {{"MODEL"}, {kThreads}}, &self_test_command},
      {"run", {{"MODEL", "INPUTS", "OUTPUTS"}, {kThreads}}, &run_command},
      {"classify",
       {{"MODEL", "PHOTO.ppm"}, {{"--top-k", 5, 1, kMany}, kThreads}},
       &classify_command},
      {"bench",
       {{"MODEL"}, {{"--iterations", 100, 1, kMany}, {"--warmup", 10, 0, kMany}, kThreads}},
       &bench_command},
      {"profile",
       {{"MODEL"}, {{"--iterations", 100, 1, kMany}, {"--warmup", 10, 0, kMany}, kThreads}},
       &profile_command},
      {"check-pixels", {{}, {}}, &check_pixels_command},
      {"count", {{"MODEL"}, {{"--warmup", 1, 0, kMany}}}, &count_command},
  };
  return all;
}

std::string usage() {
  std::string text = "usage:\n";
  for (const Command& command : commands()) {
    text += "  hvit_edge_runner " + usage_of(command.name, command.rule) + "\n";
  }
  return text + "Prints one JSON object. --threads 0 uses the machine's fast cores.\n";
}

int exit_code_of(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return 0;
    case StatusCode::invalid_argument:
    case StatusCode::invalid_artifact:
    case StatusCode::unsupported_version:
    case StatusCode::missing_backend:
      return 2;
    case StatusCode::execution_failed:
    case StatusCode::out_of_memory:
    case StatusCode::internal:
      break;
  }
  return 1;
}

Result<std::string> execute_command(const Command& command, const std::vector<std::string>& words) {
  const Result<Arguments> arguments =
      parse_arguments(command.name, command.rule, {words.begin() + 1, words.end()});
  if (!arguments.ok()) return arguments.status();
  return command.execute(*arguments);
}

}  // namespace

Outcome execute(const std::vector<std::string>& words) {
  if (words.empty()) return {2, "", usage()};
  if (words[0] == "--help") return {0, usage(), ""};
  for (const Command& command : commands()) {
    if (words[0] != command.name) continue;
    const Result<std::string> json =
        guarded(command.name, [&] { return execute_command(command, words); });
    if (json.ok()) return {0, *json + "\n", ""};
    return {exit_code_of(json.status().code()), "", json.status().message() + "\n"};
  }
  return {2, "", concat("[hvit_edge_runner] expected a command, got ", words[0], "\n", usage())};
}

}  // namespace hvit_edge
