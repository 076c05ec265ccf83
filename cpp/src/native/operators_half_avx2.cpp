#include "operators.h"

#if defined(__x86_64__) && !defined(HVIT_EDGE_FEW_KERNELS)

#define HVIT_EDGE_HALF 1
#include "operators_impl.h"

namespace hvit_edge::native {

void run_half_avx2(const Operation& operation, const Bases& bases) {
  run_operation(operation, bases);
}

// The same kernels, but for the products of int8 codes.
void run_half_avxvnni(const Operation& operation, const Bases& bases) {
  Bases with_vnni = bases;
  with_vnni.avxvnni = true;
  run_operation(operation, with_vnni);
}

}  // namespace hvit_edge::native

#endif
