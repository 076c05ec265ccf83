// Concatenates text and splits it into lines.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace hvit_edge {

// Appends a value as streams write it. Streams themselves bring a hundred kilobytes of code for
// locales, which is most of a small library.
inline void append(std::string& text, const std::string& part) { text += part; }
inline void append(std::string& text, const char* part) { text += part; }
inline void append(std::string& text, char part) { text += part; }
// The decimal point is that of the process's locale, whose bytes are no others of a number.
inline void append_digits(std::string& text, const char* digits) {
  bool in_point = false;
  for (; *digits != 0; ++digits) {
    const bool known = std::strchr("+-0123456789.einfa", *digits) != nullptr;
    if (known || !in_point) text += known ? *digits : '.';
    in_point = !known;
  }
}
inline void append(std::string& text, const void* address) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%p", address);
  text += digits;
}
template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
void append(std::string& text, Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%g", static_cast<double>(number));
    append_digits(text, digits);
  } else {
    text += std::to_string(number);
  }
}

/// Joins values as text: concat("expected ", 3, ", got ", x).
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (append(text, parts), ...);
  return text;
}

inline std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

/// Returns the parts of a text between separators: one more than it has separators.
inline std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator, start)) {
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.push_back(text.substr(start));
  return parts;
}

/// Returns the lines of a text that were joined by line breaks; an empty text has none.
inline std::vector<std::string> lines_of(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : parts_of(text, '\n');
}

}  // namespace hvit_edge
