#include "artifact/method_list.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>
#include <utility>

#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kLargest = 1 << 20;  // of a batch, and of a side in pixels

bool parse_count(const std::string& text, int& count) {
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, count);
  return error == std::errc() && last == end && count >= 1 && count <= kLargest;
}

// The number of letters to insert, remove or replace.
std::size_t edits_between(const std::string& one, const std::string& other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string parse_methods(const std::string& text, std::vector<MethodInfo>& methods) {
  std::set<std::string> names;
  for (const std::string& line : lines_of(text)) {
    const std::vector<std::string> fields = parts_of(line, '\t');
    MethodInfo method;
    const bool parsed =
        fields.size() == 4 && !fields[0].empty() && parse_count(fields[1], method.batch) &&
        parse_count(fields[2], method.height) && parse_count(fields[3], method.width);
    if (!parsed) return "expected lines name<TAB>batch<TAB>height<TAB>width, got '" + line + "'";
    if (!names.insert(fields[0]).second) return "expected different names, got two " + fields[0];
    method.name = fields[0];
    methods.push_back(method);
  }
  return "";
}

Result<std::size_t> find_method(const std::vector<MethodInfo>& methods, const std::string& name,
                                const std::string& where) {
  std::vector<std::string> names;
  for (const MethodInfo& method : methods) names.push_back(method.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  if (names.empty()) {
    return Status(
        StatusCode::invalid_argument,
        concat("[", where, "] expected no method for an artifact of one input size, got '", name,
               "'; leave the method out"));
  }
  const auto closest = std::min_element(
      names.begin(), names.end(), [&](const std::string& one, const std::string& other) {
        return edits_between(name, one) < edits_between(name, other);
      });
  return Status(StatusCode::invalid_argument,
                concat("[", where, "] expected one of the methods ", join(names, ", "), ", got '",
                       name, "'; did you mean '", *closest, "'?"));
}

int method_for(const std::vector<MethodInfo>& methods, int width, int height) {
  int best = -1;
  double most_kept = -1;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    if (methods[i].batch != 1) continue;
    // The products are exact, so equal aspect ratios keep equal shares.
    const double across = static_cast<double>(width) * methods[i].height;
    const double down = static_cast<double>(height) * methods[i].width;
    const double kept = std::min(across, down) / std::max(across, down);
    if (kept <= most_kept) continue;
    most_kept = kept;
    best = static_cast<int>(i);
  }
  return best;
}

}  // namespace hvit_edge
