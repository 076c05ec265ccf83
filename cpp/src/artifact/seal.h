// The 32 bytes at the end of an artifact; docs/artifact.md defines them.
#pragma once

#include <cstddef>
#include <string>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Checks magic, container version, length and checksum of `size` bytes, and returns the size of
/// the program before the seal. `name` is the name of the bytes in messages.
Result<std::size_t> check_seal(const void* data, std::size_t size, const std::string& name);

}  // namespace hvit_edge
