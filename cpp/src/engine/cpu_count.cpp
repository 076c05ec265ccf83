#include "engine/cpu_count.h"

#include <algorithm>
#include <thread>

#if defined(__linux__)
#include <sched.h>

#include "engine/cpu_files.h"
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge {
namespace {

int all_cpus() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace

#if defined(__linux__)

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> fast_cpus() { return CpuFiles().fast_ones(allowed_cpus()); }

int count_fast_cores() {
  const std::vector<int> fast = fast_cpus();
  if (fast.empty()) return all_cpus();
  const CpuFiles files;
  return std::max(1, std::min(files.physical_cores(fast), files.time_limit()));
}

#else

std::vector<int> allowed_cpus() { return {}; }

std::vector<int> fast_cpus() { return {}; }

int count_fast_cores() {
#if defined(__APPLE__)
  int cores = 0;
  std::size_t size = sizeof(cores);
  if (sysctlbyname("hw.perflevel0.physicalcpu", &cores, &size, nullptr, 0) == 0 && cores > 0) {
    return cores;
  }
#endif
  return all_cpus();
}

#endif

}  // namespace hvit_edge
