#include "small/worker_cpus.h"

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <pthread/qos.h>
#endif

namespace hvit_edge::small {

std::vector<int> worker_cpus(std::size_t threads, const std::vector<int>& fast,
                             const std::vector<int>& allowed) {
  const bool some_are_slow = fast.size() < allowed.size();
  return some_are_slow && threads <= fast.size() ? fast : std::vector<int>();
}

void stay_on(const std::vector<int>& cpus) {
#if defined(__linux__)
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  // If the system refuses, the thread runs anywhere, which is only slower.
  static_cast<void>(sched_setaffinity(0, sizeof(set), &set));
#elif defined(__APPLE__)
  // Threads of this class run on performance cores.
  static_cast<void>(cpus);
  static_cast<void>(pthread_set_qos_class_self_np(QOS_CLASS_USER_INITIATED, 0));
#else
  static_cast<void>(cpus);
#endif
}

}  // namespace hvit_edge::small
