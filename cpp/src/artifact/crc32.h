// CRC-32 as in zlib (polynomial 0xEDB88320).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvit_edge {

std::uint32_t crc32(const void* data, std::size_t size);

}  // namespace hvit_edge
