#include "commands.h"
#include "hvit_edge/session.h"
#include "json_writer.h"

namespace hvit_edge {

Result<std::string> self_test_command(const Arguments& arguments) {
  SessionOptions options;
  options.threads = arguments.options.at("--threads");
  Result<Session> session = Session::load(arguments.operands[0], options);
  if (!session.ok()) return session.status();
  const Result<SelfTest> result = session->self_test();
  if (!result.ok()) return result.status();
  return JsonWriter()
      .field("passed", result->passed)
      .field("max_abs", result->max_abs)
      .field("max_rel", result->max_rel)
      .field("top1_agree", result->top1_agree)
      .finish();
}

}  // namespace hvit_edge
