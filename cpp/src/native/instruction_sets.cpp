#include "instruction_sets.h"

#include <cstdlib>
#include <string>

#include "text.h"
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
std::vector<InstructionSet> instruction_sets() {
#if defined(__x86_64__)
  const X86Cpu& cpu = x86_cpu();
  const bool avx2 = cpu.avx2 && cpu.fma && cpu.f16c;
#if defined(HVIT_EDGE_FEW_KERNELS)
  return {{"portable", true, run_portable, run_half_portable},
          {"avx2", avx2, run_avx2, run_half_portable},
          {"avxvnni", avx2 && cpu.avxvnni, run_avxvnni, run_half_portable}};
#else
  return {{"portable", true, run_portable, run_half_portable},
          {"avx2", avx2, run_avx2, run_half_avx2},
          {"avxvnni", avx2 && cpu.avxvnni, run_avxvnni, run_half_avxvnni},
          {"avx512", cpu.avx512vnni, run_avx512, run_half_avx512}};
#endif
#elif defined(__aarch64__)
  const bool dots = has(Feature::dot_products);
  const RunOperation half = has(Feature::half_arithmetic) ? run_half_arm : run_half_portable;
  return {{"neon", true, run_portable, run_half_portable}, {"dotprod", dots, run_dotprod, half}};
#else
  return {{"portable", true, run_portable, run_half_portable}};
#endif
}

InstructionSet fastest_instruction_set() {
  const std::vector<InstructionSet> sets = instruction_sets();
  std::size_t last = sets.size() - 1;
  while (!sets[last].present) --last;
  return sets[last];
}

Result<InstructionSet> chosen_instruction_set() {
  const char* variable = std::getenv(kInstructionSetVariable);
  const std::string name = variable == nullptr ? "" : variable;
  if (name.empty()) return fastest_instruction_set();
  std::vector<std::string> present;
  for (const InstructionSet& set : instruction_sets()) {
    if (!set.present) continue;
    if (name == set.name) return set;
    present.emplace_back(set.name);
  }
  return Status(StatusCode::invalid_argument,
                concat("[", kInstructionSetVariable, "] expected an instruction set of this CPU (",
                       join(present, ", "), "), got ", name, "; change or unset the variable"));
}

}  // namespace hvit_edge::native
