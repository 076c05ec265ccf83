// Reads the record of the delegate's operators: lines kind<TAB>module.
#pragma once

#include <string>
#include <vector>

#include "hvit_edge/metadata.h"

namespace hvit_edge {

/// Reads `text` into `records`; returns the fault of its first malformed line, else "".
std::string parse_operator_records(const std::string& text, std::vector<OperatorRecord>& records);

}  // namespace hvit_edge
