#include "operators.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hvit_edge::native {
namespace {

#if defined(__aarch64__)

enum class Feature { dot_products, half_arithmetic };

bool has(Feature feature) {
#if defined(__linux__)
  // HWCAP_ASIMDDP and HWCAP_ASIMDHP of the kernel's asm/hwcap.h
  const unsigned long bit = feature == Feature::dot_products ? 1UL << 20 : 1UL << 10;
  return (getauxval(AT_HWCAP) & bit) != 0;
#elif defined(__APPLE__)
  const char* name = feature == Feature::dot_products ? "hw.optional.arm.FEAT_DotProd"
                                                      : "hw.optional.arm.FEAT_FP16";
  int present = 0;
  std::size_t size = sizeof(present);
  return sysctlbyname(name, &present, &size, nullptr, 0) == 0 && present != 0;
#else
  return false;
#endif
}

#endif

RunOperation fastest(RunOperation portable, [[maybe_unused]] RunOperation avx2,
                     [[maybe_unused]] RunOperation avx512, [[maybe_unused]] RunOperation arm,
                     [[maybe_unused]] bool half) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")) return avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2;
#elif defined(__aarch64__)
  if (has(Feature::dot_products) && (!half || has(Feature::half_arithmetic))) return arm;
#endif
  return portable;
}

}  // namespace

RunOperation fastest_operators(Number number) {
  if (number == Number::float32) {
    return fastest(run_portable, run_avx2, run_avx512, run_dotprod, false);
  }
  return fastest(run_half_portable, run_half_avx2, run_half_avx512, run_half_arm, true);
}

}  // namespace hvit_edge::native
