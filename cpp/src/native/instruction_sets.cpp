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

/// A feature: its bit of AT_HWCAP or AT_HWCAP2 (the kernel's asm/hwcap.h), and Apple's name.
struct Feature {
  int bit;
  bool in_second;
  const char* name;
};
constexpr Feature kDotProducts{20, false, "hw.optional.arm.FEAT_DotProd"};
constexpr Feature kHalfArithmetic{10, false, "hw.optional.arm.FEAT_FP16"};
[[maybe_unused]] constexpr Feature kMatrixProducts{13, true, "hw.optional.arm.FEAT_I8MM"};

bool has(const Feature& feature) {
#if defined(__linux__)
  return (getauxval(feature.in_second ? AT_HWCAP2 : AT_HWCAP) >> feature.bit & 1) != 0;
#elif defined(__APPLE__)
  int present = 0;
  std::size_t size = sizeof(present);
  return sysctlbyname(feature.name, &present, &size, nullptr, 0) == 0 && present != 0;
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
  const bool dots = has(kDotProducts), half = has(kHalfArithmetic);
  return {
      {"neon", true, run_portable, run_half_portable},
      {"dotprod", dots, run_dotprod, half ? run_half_arm : run_half_portable},
#if !defined(HVIT_EDGE_FEW_KERNELS)
      {"i8mm", dots && half && has(kMatrixProducts), run_i8mm, run_half_i8mm, true},
#endif
  };
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
#if defined(__wasm__)  // pages have no environment
  const char* variable = nullptr;
#else
  const char* variable = std::getenv(kInstructionSetVariable);
#endif
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
