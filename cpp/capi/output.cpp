#include "output.h"

#include "text.h"
#include "utf8.h"

namespace hvit_edge::capi {

Outcome check_room(const char* where, const void* data, std::size_t capacity, std::size_t needed) {
  if (data == nullptr && capacity == 0) return {};
  if (data == nullptr) {
    return refuse(where, concat("expected a buffer, got NULL with a capacity of ", capacity,
                                "; pass the buffer, or 0 to ask for the size"));
  }
  if (capacity >= needed) return {};
  return {HVE_BUFFER_TOO_SMALL, concat("[", where, "] expected a capacity of at least ", needed,
                                       ", got ", capacity, "; pass a larger buffer")};
}

Outcome check_place(const char* where, const void* place, const char* name) {
  if (place != nullptr) return {};
  return refuse(where, concat("expected a place for the result, got NULL; pass ", name));
}

Outcome give_text(const char* where, std::string_view value, hve_text* text) {
  if (Outcome outcome = check_place(where, text, "text"); !outcome.ok()) return outcome;
  text->size = 0;
  Outcome room = check_room(where, text->data, text->capacity, value.size() + 1);
  if (room.ok() || room.code() == HVE_BUFFER_TOO_SMALL) text->size = value.size();
  if (room.ok() && text->data != nullptr) write_utf8(value, text->data, text->capacity);
  return room;
}

}  // namespace hvit_edge::capi
