// Writes results to the caller's buffers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "outcome.h"

namespace hvit_edge::capi {

/// Returns HVE_OK if `data` has room, else HVE_BUFFER_TOO_SMALL or a refusal. A null `data` with a
/// capacity of 0 asks for the size and gives HVE_OK: write nothing then.
Outcome check_room(const char* where, const void* data, std::size_t capacity, std::size_t needed);

/// Refuses null addresses for single results.
Outcome check_place(const char* where, const void* place, const char* name);

/// Copies a text, or reports its size; see c_api.h.
Outcome give_text(const char* where, std::string_view value, hve_text* text);

/// Copies `size` values, or reports how many there are.
template <typename From, typename To>
Outcome give_values(const char* where, const From* values, std::size_t size, To* data,
                    std::size_t capacity, std::size_t* count) {
  if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
  *count = 0;
  Outcome room = check_room(where, data, capacity, size);
  if (room.ok() || room.code() == HVE_BUFFER_TOO_SMALL) *count = size;
  if (room.ok() && data != nullptr) std::copy_n(values, size, data);
  return room;
}

}  // namespace hvit_edge::capi
