// CRC-32 of long data with instructions that not every processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvit_edge {

bool can_fold_crc32();

/// Returns the register of a CRC-32 after `size` bytes, a positive multiple of 64. Call it only if
/// `can_fold_crc32` is true.
std::uint32_t fold_crc32(std::uint32_t crc, const std::uint8_t* bytes, std::size_t size);

}  // namespace hvit_edge
