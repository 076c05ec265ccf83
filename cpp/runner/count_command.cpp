#include "commands.h"
#include "count_markers.h"
#include "hvit_edge/session.h"
#include "hvit_edge/threads.h"
#include "json_writer.h"
#include "random_inputs.h"

namespace hvit_edge {

Result<std::string> count_command(const Arguments& arguments) {
  SessionOptions options;
  options.threads = 1;  // only the thread that passes the marks is counted
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  const Result<RandomInputs> inputs = RandomInputs::create(*session);
  if (!inputs.ok()) return inputs.status();
  for (int i = 0; i < arguments.options.at("--warmup"); ++i) {
    if (const auto outputs = session->run(inputs->views()); !outputs.ok()) return outputs.status();
  }
  hvit_edge_count_begin();
  const auto outputs = session->run(inputs->views());
  hvit_edge_count_end();
  if (!outputs.ok()) return outputs.status();
  return JsonWriter().field("threads", threads()).finish();
}

}  // namespace hvit_edge
