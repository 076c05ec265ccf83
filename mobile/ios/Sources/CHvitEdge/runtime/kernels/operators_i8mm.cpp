#if defined(__aarch64__)

#include <arm_neon.h>

#include "before_kernels.h"

#define __ARM_FEATURE_DOTPROD 1
#define __ARM_FEATURE_MATMUL_INT8 1
#pragma clang fp contract(fast)
#pragma clang attribute push(__attribute__((target("+dotprod+i8mm"))), apply_to = function)
#include "native/operators_i8mm.cpp"
#pragma clang attribute pop

#endif
