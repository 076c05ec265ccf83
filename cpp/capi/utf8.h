// Makes text valid UTF-8 for callers that rely on it.
#pragma once

#include <cstddef>
#include <string_view>

namespace hvit_edge::capi {

/// Returns the bytes of the character that `text` begins with; 0 if it is none, or a NUL.
std::size_t first_character_size(std::string_view text);

/// Writes as many characters of `text` as fit, and a NUL; '?' replaces each byte that is not UTF-8.
/// Needs no memory. `capacity` counts the NUL and may be 0.
void write_utf8(std::string_view text, char* data, std::size_t capacity);

}  // namespace hvit_edge::capi
