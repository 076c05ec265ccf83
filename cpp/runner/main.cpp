// Runs artifacts on a device without Python: hvit_edge_runner facts | self-test | run | classify |
// bench | profile | check-pixels | count. Without arguments, it prints the usage of each.
#include <cstdio>

#include "runner.h"

int main(int argc, char** argv) {
  const hvit_edge::Outcome outcome = hvit_edge::execute(
      argc > 1 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>());
  std::fputs(outcome.error.c_str(), stderr);
  const bool written = std::fwrite(outcome.output.data(), 1, outcome.output.size(), stdout) ==
                           outcome.output.size() &&
                       std::fflush(stdout) == 0;
  if (!written) {
    std::fputs("[hvit_edge_runner] expected to write standard output, got an error; free space\n",
               stderr);
    return 1;
  }
  return outcome.exit_code;
}
