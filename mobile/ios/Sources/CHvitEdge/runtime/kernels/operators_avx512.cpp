#if defined(__x86_64__)

#include <immintrin.h>

#include "before_kernels.h"

#define __AVX2__ 1
#define __FMA__ 1
#define __AVX512F__ 1
#define __AVX512DQ__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
#define __AVX512VNNI__ 1
#pragma clang fp contract(fast)
#pragma clang attribute push(                                                     \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
    apply_to = function)
#include "native/operators_avx512.cpp"
#pragma clang attribute pop

#endif
