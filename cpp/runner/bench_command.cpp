#include "commands.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/session.h"
#include "hvit_edge/threads.h"
#include "json_writer.h"
#include "peak_memory.h"
#include "progress.h"
#include "random_inputs.h"
#include "stopwatch.h"

namespace hvit_edge {

Result<std::string> bench_command(const Arguments& arguments) {
  SessionOptions options;
  options.threads = arguments.options.at("--threads");
  const Stopwatch loading;
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  const double load_seconds = loading.seconds();
  const Result<std::string> set = instruction_set();
  if (!set.ok()) return set.status();
  const Result<RandomInputs> inputs = RandomInputs::create(*session);
  if (!inputs.ok()) return inputs.status();

  double first_run_seconds = 0;
  std::vector<double> seconds;
  const int untimed = 1 + arguments.options.at("--warmup");
  const int runs = untimed + arguments.options.at("--iterations");
  Progress progress(runs);
  for (int i = 0; i < runs; ++i) {
    const Stopwatch running;
    const auto outputs = session->run(inputs->views());
    const double duration = running.seconds();
    if (!outputs.ok()) return outputs.status();
    if (i == 0) first_run_seconds = duration;
    if (i >= untimed) seconds.push_back(duration);
    progress.step();
  }
  return JsonWriter()
      .field("threads", threads())
      .field("instruction_set", session->metadata().target == "native" ? *set : "")
      .field("load_seconds", load_seconds)
      .field("first_run_seconds", first_run_seconds)
      .field("seconds", seconds)
      .field("peak_bytes", peak_memory_bytes())
      .field("planned_memory_bytes", session->planned_memory_bytes())
      .finish();
}

}  // namespace hvit_edge
