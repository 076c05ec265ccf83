// Counts the cores that this process should compute on.
#pragma once

namespace hvit_edge {

/// Returns at least 1; threads.h has the rule.
int count_fast_cores();

}  // namespace hvit_edge
