// The instruction sets of an x86 processor.
#pragma once

#if defined(__x86_64__) || defined(__i386__)

namespace hvit_edge {

struct X86Cpu {
  bool sse41 = false;
  bool pclmul = false;
  bool avx = false;  // these only if the system keeps the wide registers
  bool fma = false;
  bool avx2 = false;
  bool f16c = false;
  bool avxvnni = false;
  bool avx512f = false;     // with DQ, BW and VL
  bool avx512vnni = false;  // with all of the former
};

/// Returns what this processor has. `__builtin_cpu_supports` is not used because compilers differ
/// in it: without glibc, zig's finds nothing.
const X86Cpu& x86_cpu();

}  // namespace hvit_edge

#endif
