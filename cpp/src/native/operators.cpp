#include "operators.h"

#include "x86_cpu.h"

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

}  // namespace

// Names only what this architecture compiles: at -O0 the linker asks for every function named.
RunOperation fastest_operators(Number number) {
  const bool half = number == Number::float16;
#if defined(__x86_64__)
  const X86Cpu& cpu = x86_cpu();
  if (cpu.avx512vnni) return half ? run_half_avx512 : run_avx512;
  if (cpu.avx2 && cpu.fma && cpu.f16c) return half ? run_half_avx2 : run_avx2;
#elif defined(__aarch64__)
  if (has(Feature::dot_products) && (!half || has(Feature::half_arithmetic))) {
    return half ? run_half_arm : run_dotprod;
  }
#endif
  return half ? run_half_portable : run_portable;
}

}  // namespace hvit_edge::native
