// CRC-32 of long data by instructions that not every processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvit_edge {

bool can_fold_crc32();

/// The register of a CRC-32 after `size` bytes, 64 or a multiple of it; only where
/// `can_fold_crc32`.
std::uint32_t fold_crc32(std::uint32_t crc, const std::uint8_t* bytes, std::size_t size);

}  // namespace hvit_edge
