#include "operators.h"

#if defined(__x86_64__) && !defined(HVIT_EDGE_FEW_KERNELS)

#define HVIT_EDGE_HALF 1
#include "operators_impl.h"

namespace hvit_edge::native {

void run_half_avx512(const Operation& operation, const Bases& bases) {
  run_operation(operation, bases);
}

}  // namespace hvit_edge::native

#endif
