#include "json_writer.h"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace hvit_edge {
namespace {

// Returns the fewest digits that read back as the same number.
template <typename Number>
std::string shortest(Number value, int fewest, int most, Number (*parse)(const char*, char**)) {
  char text[32];
  for (int digits = fewest; digits <= most; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, static_cast<double>(value));
    if (parse(text, nullptr) == value) break;
  }
  return text;
}

// Returns the bytes of the well-formed UTF-8 character that begins at `start`; 0 if there is none.
std::size_t character_length(const std::string& text, std::size_t start) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[start + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || start + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and code points beyond U+10FFFF.
  const bool impossible = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                          (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return impossible ? 0 : length;
}

std::string escaped(char byte) {
  switch (byte) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7F) return std::string(1, byte);
  char code[8];
  std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(byte));
  return code;
}

}  // namespace

void JsonWriter::begin_list(const char* name) {
  key(name);
  open('[');
}

void JsonWriter::begin_object() {
  separate();
  open('{');
}

std::string JsonWriter::finish() {
  close('}');
  return std::move(text_);
}

void JsonWriter::open(char bracket) {
  text_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  first_ = false;
}

void JsonWriter::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

void JsonWriter::key(const char* name) {
  separate();
  add(std::string(name));
  text_ += ':';
}

void JsonWriter::add(float value) {
  text_ += std::isfinite(value) ? shortest(value, 6, 9, &std::strtof) : "null";
}

void JsonWriter::add(double value) {
  text_ += std::isfinite(value) ? shortest(value, 15, 17, &std::strtod) : "null";
}

void JsonWriter::add(const std::string& value) {
  text_ += '"';
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t length = character_length(value, i);
    if (length == 0) {
      text_ += "\\ufffd";
    } else if (length == 1) {
      text_ += escaped(value[i]);
    } else {
      text_.append(value, i, length);
    }
    i += length == 0 ? 1 : length;
  }
  text_ += '"';
}

}  // namespace hvit_edge
