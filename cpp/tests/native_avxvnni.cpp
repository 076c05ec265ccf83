// The kernels of AVX-VNNI, whose products of int8 codes are encoded as those of AVX-512.
#include "native/operators.h"

#if defined(__x86_64__)

#define HVIT_EDGE_EVEX 1
#include "native/operators_impl.h"

namespace hvit_edge::native::testing {

void run_avxvnni_by_evex(const Operation& operation, const Bases& bases) {
  Bases with_vnni = bases;
  with_vnni.avxvnni = true;
  run_operation(operation, with_vnni);
}

}  // namespace hvit_edge::native::testing

#endif
