#include "hvit_edge/backends.h"
#include "hvit_edge/version.h"
#include "native/instruction_sets.h"
#include "x86_cpu.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace hvit_edge {
namespace {

struct Feature {
  const char* name;
  bool present;
};

std::vector<std::string> names_of_present(const std::vector<Feature>& features) {
  std::vector<std::string> names;
  for (const Feature& feature : features) {
    if (feature.present) names.emplace_back(feature.name);
  }
  return names;
}

}  // namespace

std::vector<std::string> cpu_features() {
#if defined(__x86_64__)
  const X86Cpu& cpu = x86_cpu();
  return names_of_present({{"sse4.1", cpu.sse41},
                           {"avx", cpu.avx},
                           {"fma", cpu.fma},
                           {"avx2", cpu.avx2},
                           {"avxvnni", cpu.avxvnni},
                           {"avx512f", cpu.avx512f},
                           {"avx512vnni", cpu.avx512vnni}});
#elif defined(__aarch64__) && defined(__linux__)
  // Bits of the kernel's interface, named in its asm/hwcap.h.
  const unsigned long first = getauxval(AT_HWCAP);
  const unsigned long second = getauxval(AT_HWCAP2);
  return names_of_present({{"neon", (first & (1UL << 1)) != 0},
                           {"fp16", (first & (1UL << 10)) != 0},
                           {"dotprod", (first & (1UL << 20)) != 0},
                           {"sve", (first & (1UL << 22)) != 0},
                           {"i8mm", (second & (1UL << 13)) != 0},
                           {"bf16", (second & (1UL << 14)) != 0}});
#elif defined(__aarch64__)
  return names_of_present({{"neon", true}});
#elif defined(__wasm_simd128__)
  return names_of_present({{"simd128", true}});
#else
  return names_of_present({});
#endif
}

Result<std::string> instruction_set() {
  const Result<native::InstructionSet> set = native::chosen_instruction_set();
  if (!set.ok()) return set.status();
  return std::string(set->name);
}

const char* version() { return HVIT_EDGE_VERSION; }

}  // namespace hvit_edge
