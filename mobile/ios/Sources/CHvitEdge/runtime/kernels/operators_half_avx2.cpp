#if defined(__x86_64__)

#include <immintrin.h>

#include "before_kernels.h"

#define __AVX2__ 1
#define __FMA__ 1
#define __F16C__ 1
#pragma clang fp contract(fast)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "native/operators_half_avx2.cpp"
#pragma clang attribute pop

#endif
