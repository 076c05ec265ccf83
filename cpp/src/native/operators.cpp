#include "operators.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge::native {
#if defined(__aarch64__)
namespace {

bool has_dot_products() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & (1UL << 20)) != 0;  // HWCAP_ASIMDDP of the kernel's asm/hwcap.h
#elif defined(__APPLE__)
  int present = 0;
  std::size_t size = sizeof(present);
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &present, &size, nullptr, 0) == 0 &&
         present != 0;
#else
  return false;
#endif
}

}  // namespace
#endif

RunOperation fastest_operators() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")) return run_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return run_avx2;
#elif defined(__aarch64__)
  if (has_dot_products()) return run_dotprod;
#endif
  return run_portable;
}

}  // namespace hvit_edge::native
