// Concatenates text and splits it into lines.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace hvit_edge {

/// Joins values as text: concat("expected ", 3, ", got ", x).
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
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
