// Another number of threads for the process's pool.
#pragma once

#include <cstddef>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Nothing may run on the pool meanwhile. What was loaded before keeps the old pool until it is
/// prepared again.
Status replace_pool(std::size_t threads);

}  // namespace hvit_edge
