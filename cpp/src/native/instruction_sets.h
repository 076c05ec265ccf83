// The instruction sets that the kernels are compiled for, and the choice of one of them.
#pragma once

#include <vector>

#include "hvit_edge/status.h"
#include "operators.h"

namespace hvit_edge::native {

/// The environment variable that names the set to use instead of the fastest one.
constexpr char kInstructionSetVariable[] = "HVIT_EDGE_ISA";

struct InstructionSet {
  const char* name;
  bool present;  ///< on this processor
  RunOperation run, run_half;
  bool packs_pairs = false;  ///< reads int8 weights that pack_pairs (int8_pairs.h) packed

  RunOperation of(Number number) const { return number == Number::float16 ? run_half : run; }
};

/// Returns the sets of this architecture, the slowest first. The first one is always present.
std::vector<InstructionSet> instruction_sets();

/// Returns the fastest set that is present.
InstructionSet fastest_instruction_set();

/// Returns the set that HVIT_EDGE_ISA names, or the fastest one if it is unset or empty. Refuses a
/// name that is not that of a set of this processor.
Result<InstructionSet> chosen_instruction_set();

}  // namespace hvit_edge::native
