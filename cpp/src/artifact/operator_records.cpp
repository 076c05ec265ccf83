#include "artifact/operator_records.h"

#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::size_t kShown = 60;  // bytes of a malformed line in messages

}  // namespace

std::string parse_operator_records(const std::string& text, std::vector<OperatorRecord>& records) {
  for (const std::string& line : lines_of(text)) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || tab == 0 || line.find('\t', tab + 1) != std::string::npos) {
      return concat("expected lines kind<TAB>module, got '", line.substr(0, kShown),
                    line.size() > kShown ? "...'" : "'");
    }
    records.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return "";
}

}  // namespace hvit_edge
