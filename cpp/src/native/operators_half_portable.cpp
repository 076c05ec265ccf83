#define HVIT_EDGE_HALF 1
#if !defined(__wasm_simd128__)  // where all float16 runs here
#define HVIT_EDGE_COMPACT 1
#endif
#include "operators_impl.h"

namespace hvit_edge::native {

void run_half_portable(const Operation& operation, const Bases& bases) {
  run_operation(operation, bases);
}

}  // namespace hvit_edge::native
