#include "artifact/layer_records.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::size_t kShown = 60;   // bytes of a malformed line in messages
constexpr std::size_t kDigits = 32;  // far more than a number of decibels needs

bool all_digits(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Returns the number in digits with a point or without one, exact to a few units in the last place.
// std::from_chars for double is missing in older libc++, strtod depends on the process's locale,
// and streams bring a hundred kilobytes of code.
double parse_digits(const std::string& text) {
  double value = 0, scale = 1;
  bool after_point = false;
  for (const char digit : text) {
    if (digit == '.') {
      after_point = true;
      continue;
    }
    value = value * 10 + (digit - '0');
    if (after_point) scale *= 10;
  }
  return value / scale;
}

// Parses "12", "-3.5", "inf" or "-inf".
std::optional<double> parse_decibel(const std::string& text) {
  const bool negative = !text.empty() && text[0] == '-';
  const std::string magnitude = text.substr(negative ? 1 : 0);
  double value = std::numeric_limits<double>::infinity();
  if (magnitude != "inf") {
    const std::size_t point = magnitude.find('.');
    const bool whole = point == std::string::npos;
    if (magnitude.size() > kDigits || !all_digits(magnitude.substr(0, point)) ||
        (!whole && !all_digits(magnitude.substr(point + 1)))) {
      return std::nullopt;
    }
    value = parse_digits(magnitude);
  }
  return negative ? -value : value;
}

std::optional<LayerRecord> parse_line(const std::string& line) {
  const std::size_t first = line.find('\t');
  if (first == std::string::npos || first == 0) return std::nullopt;
  const std::size_t second = line.find('\t', first + 1);
  if (second == std::string::npos || second == first + 1) return std::nullopt;
  const std::optional<double> decibel = parse_decibel(line.substr(second + 1));
  if (!decibel) return std::nullopt;
  return LayerRecord{line.substr(0, first), line.substr(first + 1, second - first - 1), *decibel};
}

}  // namespace

std::string parse_layer_records(const std::string& text, std::vector<LayerRecord>& records) {
  for (const std::string& line : lines_of(text)) {
    std::optional<LayerRecord> record = parse_line(line);
    if (!record) {
      return concat("expected lines name<TAB>precision<TAB>decibel, got '", line.substr(0, kShown),
                    line.size() > kShown ? "...'" : "'");
    }
    records.push_back(*std::move(record));
  }
  return "";
}

}  // namespace hvit_edge
