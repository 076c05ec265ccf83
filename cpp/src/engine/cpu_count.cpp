#include "engine/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge {
namespace {

int all_cpus() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

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

int read_number(const std::string& path, int otherwise) {
  std::ifstream file(path);
  int value = 0;
  return file >> value ? value : otherwise;
}

std::string cpu_path(int cpu, const char* name) {
  return "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + name;
}

// Arm kernels report a capacity for each core, 1024 for the fastest kind.
std::vector<int> fast_ones(const std::vector<int>& cpus) {
  std::vector<int> capacity;
  capacity.reserve(cpus.size());
  for (const int cpu : cpus) capacity.push_back(read_number(cpu_path(cpu, "cpu_capacity"), 1024));
  const int best = *std::max_element(capacity.begin(), capacity.end());
  std::vector<int> fast;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    if (2 * capacity[i] >= best) fast.push_back(cpus[i]);
  }
  return fast;
}

int physical_cores(const std::vector<int>& cpus) {
  std::set<std::pair<int, int>> cores;
  for (const int cpu : cpus) {
    cores.emplace(read_number(cpu_path(cpu, "topology/physical_package_id"), 0),
                  read_number(cpu_path(cpu, "topology/core_id"), cpu));
  }
  return static_cast<int>(cores.size());
}

// Returns how many processors' time the container may use, rounded up; a large number means no
// limit.
int cgroup_limit() {
  constexpr int unlimited = 1 << 20;
  double quota = 0;
  double period = 0;
  std::ifstream unified("/sys/fs/cgroup/cpu.max");
  if (!(unified >> quota >> period)) {
    quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", -1);
    period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0);
  }
  if (quota <= 0 || period <= 0) return unlimited;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

#endif

}  // namespace

int count_fast_cores() {
#if defined(__linux__)
  const std::vector<int> cpus = allowed_cpus();
  if (cpus.empty()) return all_cpus();
  return std::max(1, std::min(physical_cores(fast_ones(cpus)), cgroup_limit()));
#elif defined(__APPLE__)
  int cores = 0;
  std::size_t size = sizeof(cores);
  if (sysctlbyname("hw.perflevel0.physicalcpu", &cores, &size, nullptr, 0) == 0 && cores > 0) {
    return cores;
  }
  return all_cpus();
#else
  return all_cpus();
#endif
}

}  // namespace hvit_edge
