// Reads the kernel's auxiliary vector and the CPU, not /proc/cpuinfo, which is the host's under
// user-mode emulation.
#if defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

#include <cstdint>
#include <cstdio>

#include "cpu.h"

namespace hvit_edge {
namespace {

// Bits of the kernel's interface, named in its asm/hwcap.h.
struct Flag {
  const char* name;
  int vector;  // 1: AT_HWCAP, 2: AT_HWCAP2
  int bit;
};
constexpr Flag kFlags[] = {
    {"fp", 1, 0},       {"asimd", 1, 1},     {"atomics", 1, 8}, {"fphp", 1, 9},
    {"asimdhp", 1, 10}, {"asimdrdm", 1, 12}, {"fcma", 1, 14},   {"asimddp", 1, 20},
    {"sve", 1, 22},     {"asimdfhm", 1, 23}, {"sve2", 2, 1},    {"svei8mm", 2, 9},
    {"svebf16", 2, 12}, {"i8mm", 2, 13},     {"bf16", 2, 14},   {"sme", 2, 23},
};
constexpr int kCpuIdBit = 11;

// Implementer and part number of the Main ID Register.
struct Core {
  unsigned implementer;
  unsigned part;
  const char* name;
};
constexpr Core kCores[] = {
    {0x41, 0xd03, "Cortex-A53"},  {0x41, 0xd04, "Cortex-A35"},  {0x41, 0xd05, "Cortex-A55"},
    {0x41, 0xd07, "Cortex-A57"},  {0x41, 0xd08, "Cortex-A72"},  {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},  {0x41, 0xd0b, "Cortex-A76"},  {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd0d, "Cortex-A77"},  {0x41, 0xd40, "Neoverse-V1"}, {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd44, "Cortex-X1"},   {0x41, 0xd46, "Cortex-A510"}, {0x41, 0xd47, "Cortex-A710"},
    {0x41, 0xd48, "Cortex-X2"},   {0x41, 0xd49, "Neoverse-N2"}, {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},   {0x41, 0xd4f, "Neoverse-V2"}, {0x41, 0xd80, "Cortex-A520"},
    {0x41, 0xd81, "Cortex-A720"}, {0x41, 0xd82, "Cortex-X4"},
};

}  // namespace

std::string cpu_name() {
  // Otherwise the kernel does not let a program read the register.
  if ((getauxval(AT_HWCAP) & (1UL << kCpuIdBit)) == 0) return "";
  std::uint64_t id = 0;
  asm("mrs %0, MIDR_EL1" : "=r"(id));
  const auto implementer = static_cast<unsigned>((id >> 24) & 0xff);
  const auto part = static_cast<unsigned>((id >> 4) & 0xfff);
  for (const Core& core : kCores) {
    if (core.implementer == implementer && core.part == part) return core.name;
  }
  if (implementer == 0) return "";  // reserved for software, such as an emulator
  char text[48];
  std::snprintf(text, sizeof(text), "implementer 0x%02x part 0x%03x", implementer, part);
  return text;
}

std::vector<std::string> cpu_flags() {
  std::vector<std::string> names;
  for (const Flag& flag : kFlags) {
    const unsigned long bits = getauxval(flag.vector == 1 ? AT_HWCAP : AT_HWCAP2);
    if ((bits & (1UL << flag.bit)) != 0) names.emplace_back(flag.name);
  }
  return names;
}

}  // namespace hvit_edge

#endif
