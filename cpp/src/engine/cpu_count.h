// Counts the cores that this process should compute on.
#pragma once

#include <vector>

namespace hvit_edge {

/// Returns at least 1; threads.h has the rule.
int count_fast_cores();

/// Returns the numbers of the cores that this process may use; empty if the system does not say.
std::vector<int> allowed_cpus();

/// Returns the fast ones of the allowed cores; empty if the system does not say.
std::vector<int> fast_cpus();

}  // namespace hvit_edge
