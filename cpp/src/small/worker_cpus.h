// The cores that the workers of the thread pool run on.
#pragma once

#include <cstddef>
#include <vector>

namespace hvit_edge::small {

/// Returns the cores for the workers of a pool of so many threads: the fast ones, if some are slow
/// and every thread has a fast one. Empty means that the system decides.
std::vector<int> worker_cpus(std::size_t threads, const std::vector<int>& fast,
                             const std::vector<int>& allowed);

/// Keeps the calling thread on these cores, if the system can do that.
void stay_on(const std::vector<int>& cpus);

}  // namespace hvit_edge::small
