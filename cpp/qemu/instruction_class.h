/* Finds the part of a core that an A64 instruction occupies. */
#pragma once

#include <stdint.h>

enum {
  CLASS_MEMORY, /* loads and stores, those of vectors as well */
  CLASS_VECTOR, /* Advanced SIMD and floating point */
  CLASS_SCALAR, /* everything else: integers, addresses, branches */
  CLASS_COUNT
};

/* Returns the class by the top-level encoding of A64, bits 28 to 25: Arm Architecture Reference
 * Manual, C4.1. */
int class_of(uint32_t instruction);

/* "memory", "vector", "scalar" */
const char* class_name(int instruction_class);
