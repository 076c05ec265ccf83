#include "instruction_class.h"

int class_of(uint32_t instruction) {
  const uint32_t op0 = instruction >> 25 & 15;
  if ((op0 & 5) == 4) return CLASS_MEMORY;
  if ((op0 & 7) == 7) return CLASS_VECTOR;
  return CLASS_SCALAR;
}

const char* class_name(int instruction_class) {
  static const char* const names[CLASS_COUNT] = {"memory", "vector", "scalar"};
  return names[instruction_class];
}
