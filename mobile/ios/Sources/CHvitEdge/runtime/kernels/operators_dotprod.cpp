#if defined(__aarch64__)

#include <arm_neon.h>

#include "before_kernels.h"

#define __ARM_FEATURE_DOTPROD 1
#pragma clang fp contract(fast)
#pragma clang attribute push(__attribute__((target("+dotprod"))), apply_to = function)
#include "native/operators_dotprod.cpp"
#pragma clang attribute pop

#endif
