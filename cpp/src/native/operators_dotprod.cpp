#include "operators.h"

#if defined(__aarch64__)

#include "operators_impl.h"

namespace hvit_edge::native {

void run_dotprod(const Operation& operation, const Bases& bases) {
  run_operation(operation, bases);
}

}  // namespace hvit_edge::native

#endif
