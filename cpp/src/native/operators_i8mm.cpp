#include "operators.h"

#if defined(__aarch64__) && !defined(HVIT_EDGE_FEW_KERNELS)

// The rows of depthwise convolutions, which have no matrix products, are those of another unit.
#define HVIT_EDGE_BORROWS_DEPTHWISE 1
#include "operators_int8.h"

namespace hvit_edge::native {

void run_i8mm(const Operation& operation, const Bases& bases) {
  run_int8_operation(operation, bases, run_dotprod);
}

}  // namespace hvit_edge::native

#endif
