#include "operators.h"

#if defined(__aarch64__) && !defined(HVIT_EDGE_FEW_KERNELS)

#define HVIT_EDGE_HALF 1
#include "operators_int8.h"

namespace hvit_edge::native {

void run_half_i8mm(const Operation& operation, const Bases& bases) {
  run_int8_operation(operation, bases, run_half_arm);
}

}  // namespace hvit_edge::native

#endif
