#include "x86_cpu.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

namespace hvit_edge {
namespace {

constexpr unsigned kAvxState = 0x6;      // XMM and YMM registers
constexpr unsigned kAvx512State = 0xe6;  // and masks and all ZMM registers

bool has(unsigned word, int bit) { return (word >> bit & 1U) != 0; }

// Which registers the system keeps for a process.
unsigned kept_state() {
  unsigned low = 0;
  unsigned high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// The bits are those of the manuals of Intel and AMD: leaf 1, and subleaves 0 and 1 of leaf 7.
X86Cpu detect() {
  X86Cpu cpu;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return cpu;
  cpu.pclmul = has(c, 1);
  cpu.sse41 = has(c, 19);
  const unsigned state = has(c, 27) ? kept_state() : 0;
  const bool wide = (state & kAvxState) == kAvxState;
  cpu.avx = wide && has(c, 28);
  cpu.fma = cpu.avx && has(c, 12);
  cpu.f16c = cpu.avx && has(c, 29);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return cpu;
  cpu.avx2 = cpu.avx && has(b, 5);
  const bool wider = cpu.avx2 && (state & kAvx512State) == kAvx512State;
  cpu.avx512f = wider && has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31);
  cpu.avx512vnni = cpu.avx512f && has(c, 11);
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return cpu;
  cpu.avxvnni = cpu.avx2 && has(a, 4);
  return cpu;
}

}  // namespace

const X86Cpu& x86_cpu() {
  static const X86Cpu cpu = detect();
  return cpu;
}

}  // namespace hvit_edge

#endif
