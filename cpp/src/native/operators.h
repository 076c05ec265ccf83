// The functions that run an operation; instruction_sets.h chooses one of them.
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
// The same for plans in float16; the last one also computes in float16.
void run_half_portable(const Operation& operation, const Bases& bases);
void run_half_avx2(const Operation& operation, const Bases& bases);
void run_half_avxvnni(const Operation& operation, const Bases& bases);
void run_half_avx512(const Operation& operation, const Bases& bases);
void run_half_arm(const Operation& operation, const Bases& bases);

}  // namespace hvit_edge::native
