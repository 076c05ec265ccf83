#include <utility>

#include "commands.h"
#include "hvit_edge/session.h"
#include "hvit_edge/threads.h"
#include "json_writer.h"
#include "progress.h"
#include "random_inputs.h"
#include "stopwatch.h"

namespace hvit_edge {
namespace {

struct Profile {
  std::vector<double> seconds;                         // of each run
  std::vector<std::string> names;                      // of each operator
  std::vector<std::vector<std::int64_t>> nanoseconds;  // of each operator in each run
};

void add_run(const std::vector<OperatorTime>& operators, double seconds, Profile& profile) {
  profile.seconds.push_back(seconds);
  profile.nanoseconds.resize(operators.size());
  profile.names.clear();
  for (std::size_t i = 0; i < operators.size(); ++i) {
    profile.names.push_back(operators[i].name);
    profile.nanoseconds[i].push_back(operators[i].end_ns - operators[i].start_ns);
  }
}

std::string to_json(const Profile& profile) {
  JsonWriter json;
  json.field("threads", threads()).field("seconds", profile.seconds).begin_list("operators");
  for (std::size_t i = 0; i < profile.names.size(); ++i) {
    json.begin_object();
    json.field("name", profile.names[i]).field("nanoseconds", profile.nanoseconds[i]);
    json.end_object();
  }
  json.end_list();
  return json.finish();
}

}  // namespace

Result<std::string> profile_command(const Arguments& arguments) {
  SessionOptions options;
  options.threads = arguments.options.at("--threads");
  options.time_operators = true;
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  const Result<RandomInputs> inputs = RandomInputs::create(*session);
  if (!inputs.ok()) return inputs.status();
  Profile profile;
  const int untimed = arguments.options.at("--warmup");
  const int runs = untimed + arguments.options.at("--iterations");
  Progress progress(runs);
  for (int i = 0; i < runs; ++i) {
    const Stopwatch running;
    const auto outputs = session->run(inputs->views());
    const double duration = running.seconds();
    if (!outputs.ok()) return outputs.status();
    if (i >= untimed) add_run(session->operators(), duration, profile);
    progress.step();
  }
  return to_json(profile);
}

}  // namespace hvit_edge
