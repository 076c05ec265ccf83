#include <optional>
#include <utility>

#include "commands.h"
#include "count_markers.h"
#include "hvit_edge/session.h"
#include "hvit_edge/threads.h"
#include "json_writer.h"
#include "numbered_clock.h"
#include "progress.h"
#include "random_inputs.h"

namespace hvit_edge {
namespace {

// Returns a session after the warmup runs that `arguments` ask for.
Result<Session> warmed_up(const Arguments& arguments, bool time_operators,
                          std::optional<RandomInputs>& inputs, Progress& progress) {
  SessionOptions options;
  options.threads = 1;  // only the thread that passes the marks is counted
  options.time_operators = time_operators;
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  Result<RandomInputs> created = RandomInputs::create(*session);
  if (!created.ok()) return created.status();
  inputs.emplace(std::move(created).value());
  for (int i = 0; i < arguments.options.at("--warmup"); ++i) {
    if (const auto outputs = session->run(inputs->views()); !outputs.ok()) return outputs.status();
    progress.step();
  }
  return session;
}

Status count_inference(const Arguments& arguments, Progress& progress) {
  std::optional<RandomInputs> inputs;
  Result<Session> session = warmed_up(arguments, false, inputs, progress);
  if (!session.ok()) return session.status();
  hvit_edge_count_begin();
  const auto outputs = session->run(inputs->views());
  hvit_edge_count_end();
  progress.step();
  return outputs.ok() ? Status() : outputs.status();
}

Result<std::vector<OperatorReads>> count_operators(const Arguments& arguments, Progress& progress) {
  std::optional<RandomInputs> inputs;
  Result<Session> session = warmed_up(arguments, true, inputs, progress);
  if (!session.ok()) return session.status();
  hvit_edge_count_begin();
  number_clock_reads();
  const auto outputs = session->run(inputs->views());
  const std::int64_t reads = stop_numbering();
  hvit_edge_count_end();
  progress.step();
  if (!outputs.ok()) return outputs.status();
  return reads_of(session->operators(), reads);
}

}  // namespace

// There are two runs, because asking for the operators takes instructions that must not be in the
// total.
Result<std::string> count_command(const Arguments& arguments) {
  Progress progress(2 * (arguments.options.at("--warmup") + 1));
  if (Status status = count_inference(arguments, progress); !status.ok()) return status;
  const Result<std::vector<OperatorReads>> operators = count_operators(arguments, progress);
  if (!operators.ok()) return operators.status();
  JsonWriter json;
  json.field("threads", threads()).begin_list("operators");
  for (const OperatorReads& each : *operators) {
    json.begin_object();
    json.field("name", each.name).field("first", each.first).field("last", each.last);
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

}  // namespace hvit_edge
