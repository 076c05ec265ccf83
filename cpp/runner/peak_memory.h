// The most memory that this process has held.
#pragma once

#include <cstdint>

namespace hvit_edge {

/// Resident bytes at their highest; 0 where the system does not say.
std::uint64_t peak_memory_bytes();

}  // namespace hvit_edge
