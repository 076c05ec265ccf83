// Changes the number of threads of the process's pool.
#pragma once

#include <cstddef>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Replaces the pool. Nothing may run on it meanwhile. A program that was loaded before keeps the
/// old pool until it is prepared again.
Status replace_pool(std::size_t threads);

}  // namespace hvit_edge
