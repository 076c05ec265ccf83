#include "peak_memory.h"

#include <sys/resource.h>

#include <cinttypes>
#include <string>

#include "input_file.h"

namespace hvit_edge {

std::uint64_t peak_memory_bytes() {
#if defined(__linux__)
  // getrusage would include what the parent held before exec.
  const InputFile file = open_input("/proc/self/status");
  for (std::string line; read_line(file, line);) {
    std::uint64_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %" SCNu64, &kibibytes) == 1) return kibibytes * 1024;
  }
  return 0;
#else
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss);  // in bytes on Apple's systems
#endif
}

}  // namespace hvit_edge
