// Reads the record of the layers: lines name<TAB>precision<TAB>decibel.
#pragma once

#include <string>
#include <vector>

#include "hvit_edge/metadata.h"

namespace hvit_edge {

/// Reads `text` into `records`; returns the fault of its first malformed line, else "".
std::string parse_layer_records(const std::string& text, std::vector<LayerRecord>& records);

}  // namespace hvit_edge
