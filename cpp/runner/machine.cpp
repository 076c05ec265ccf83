#include "machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "cpu.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge {
namespace {

std::uint64_t memory_bytes() {
#if defined(__APPLE__)
  std::uint64_t bytes = 0;
  std::size_t size = sizeof(bytes);
  return sysctlbyname("hw.memsize", &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
#else
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_size = sysconf(_SC_PAGE_SIZE);
  if (pages < 0 || page_size < 0) return 0;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size);
#endif
}

}  // namespace

Machine this_machine() {
  Machine machine;
  utsname names{};
  if (uname(&names) >= 0) {
    machine.architecture = names.machine;
    machine.system = names.sysname;
  }
  machine.cpu = cpu_name();
  machine.features = cpu_flags();
  machine.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  machine.memory_bytes = memory_bytes();
  return machine;
}

}  // namespace hvit_edge
