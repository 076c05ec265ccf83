// The functions that run an operation; instruction_sets.h chooses one of them.
//
// HVIT_EDGE_COMPACT: a unit for old processors, which leaves out code that is only a little faster.
// HVIT_EDGE_FEW_KERNELS: on x86-64, there is one unit for AVX2, and none for AVX-512 or float16; on
// 64-bit Arm, there is none for the matrix products of Armv8.6.
#pragma once

#include "bases.h"
#include "operations.h"

namespace hvit_edge::native {

using RunOperation = void (*)(const Operation&, const Bases&);

// One function for each instruction set; null if the compiler does not support it.
void run_portable(const Operation& operation, const Bases& bases);
void run_avx2(const Operation& operation, const Bases& bases);
void run_avxvnni(const Operation& operation, const Bases& bases);
void run_avx512(const Operation& operation, const Bases& bases);
void run_dotprod(const Operation& operation, const Bases& bases);
void run_i8mm(const Operation& operation, const Bases& bases);  // after pack_pairs (int8_pairs.h)
// The same for plans in float16; the last two also compute in float16.
void run_half_portable(const Operation& operation, const Bases& bases);
void run_half_avx2(const Operation& operation, const Bases& bases);
void run_half_avxvnni(const Operation& operation, const Bases& bases);
void run_half_avx512(const Operation& operation, const Bases& bases);
void run_half_arm(const Operation& operation, const Bases& bases);
void run_half_i8mm(const Operation& operation, const Bases& bases);

/// Sets to[i] = function(from[i]), with the parameters a and b, like run_portable; `to` and `from`
/// may be equal. Kernels of float16 for the same instructions borrow it.
void apply_function_portable(Function function, float a, float b, const float* from, float* to,
                             std::int64_t count);

/// Computes row `oy` of a depthwise convolution like run_portable, between layers of int8 codes or
/// of numbers. Kernels that differ only in their int8 products borrow it.
void convolve_row_portable(const Depthwise& layer, const Bases& bases, bool of_codes,
                           std::int64_t oy);

}  // namespace hvit_edge::native
