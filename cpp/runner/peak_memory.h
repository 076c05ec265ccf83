// The peak memory of this process.
#pragma once

#include <cstdint>

namespace hvit_edge {

/// Returns the peak of resident bytes; 0 if the system does not tell.
std::uint64_t peak_memory_bytes();

}  // namespace hvit_edge
