// Small helpers to write messages.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace hvit_edge {

/// concat("expected ", 3, ", got ", x)
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

}  // namespace hvit_edge
