#include "commands.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/threads.h"
#include "json_writer.h"
#include "machine.h"

namespace hvit_edge {

Result<std::string> facts_command(const Arguments& /*arguments*/) {
  const Machine machine = this_machine();
  const Result<std::string> set = instruction_set();
  if (!set.ok()) return set.status();
  return JsonWriter()
      .field("architecture", machine.architecture)
      .field("system", machine.system)
      .field("cpu", machine.cpu)
      .field("features", machine.features)
      .field("instruction_set", *set)
      .field("cores", machine.cores)
      .field("threads", auto_threads())
      .field("memory_bytes", machine.memory_bytes)
      .field("version", version())
      .finish();
}

}  // namespace hvit_edge
