// For every machine except 64-bit Arm with Linux.
#if !(defined(__aarch64__) && defined(__linux__))

#include "cpu.h"
#include "input_file.h"
#include "x86_cpu.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge {

std::string cpu_name() {
#if defined(__APPLE__)
  char name[256] = {};
  std::size_t size = sizeof(name) - 1;
  return sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0 ? name : "";
#else
  const InputFile file = open_input("/proc/cpuinfo");
  for (std::string line; read_line(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "";
#endif
}

std::vector<std::string> cpu_flags() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  const X86Cpu& cpu = x86_cpu();
  if (cpu.avx2) names.emplace_back("avx2");
  if (cpu.fma) names.emplace_back("fma");
  if (cpu.avx512f) names.emplace_back("avx512f");
  if (cpu.avx512vnni) names.emplace_back("avx512_vnni");
#endif
  return names;
}

}  // namespace hvit_edge

#endif
