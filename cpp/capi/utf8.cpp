#include "utf8.h"

#include <cstring>

namespace hvit_edge::capi {
namespace {

struct Form {
  unsigned char mask;
  unsigned char lead;
  std::size_t size;
  unsigned long first;  // smaller ones are overlong
};

constexpr Form kForms[] = {
    {0x80, 0x00, 1, 0x1}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

bool is_character(unsigned long code, const Form& form) {
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code >= form.first && code <= 0x10FFFF && !surrogate;
}

}  // namespace

std::size_t first_character_size(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  for (const Form& form : kForms) {
    if ((lead & form.mask) != form.lead) continue;
    if (text.size() < form.size) return 0;
    unsigned long code = lead & static_cast<unsigned char>(~form.mask);
    for (std::size_t i = 1; i < form.size; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xC0) != 0x80) return 0;
      code = (code << 6) | (next & 0x3FU);
    }
    return is_character(code, form) ? form.size : 0;
  }
  return 0;
}

void write_utf8(std::string_view text, char* data, std::size_t capacity) {
  if (capacity == 0) return;
  std::size_t written = 0;
  while (!text.empty()) {
    const std::size_t size = first_character_size(text);
    const std::size_t consumed = size == 0 ? 1 : size;
    if (written + consumed >= capacity) break;
    if (size == 0) {
      data[written] = '?';
    } else {
      std::memcpy(data + written, text.data(), size);
    }
    written += consumed;
    text.remove_prefix(consumed);
  }
  data[written] = '\0';
}

}  // namespace hvit_edge::capi
