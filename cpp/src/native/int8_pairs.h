// Packs int8 weights for the matrix products of Armv8.6. A file has them packed for dot products,
// [depth / 4][16 columns][4 codes] for each tap. Eight codes of a column are put side by side when
// the plan is loaded, so that one file runs on all processors.
#pragma once

#include <vector>

#include "aligned_memory.h"
#include "operations.h"

namespace hvit_edge::native {

/// Packs the int8 weights of the operations, [depth / 8][16 columns][8 codes], and lets the
/// operations read the copies. Four codes that are left remain as they are. Returns the copies,
/// which the operations need; null if there is no memory for them.
AlignedMemory pack_pairs(std::vector<Operation>& operations);

}  // namespace hvit_edge::native
