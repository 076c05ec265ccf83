#include "artifact/layer_records.h"

#include <algorithm>
#include <limits>
#include <locale>
#include <optional>
#include <sstream>

#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::size_t kShown = 60;   // bytes of a malformed line in messages
constexpr std::size_t kDigits = 32;  // far more than a number of decibels needs

bool all_digits(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Parses "12", "-3.5", "inf" or "-inf". std::from_chars for double is missing in older libc++, and
// strtod depends on the process's locale.
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
    std::istringstream stream(magnitude);
    stream.imbue(std::locale::classic());
    stream >> value;
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
