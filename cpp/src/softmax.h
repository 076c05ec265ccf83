// Converts a classifier's logits to probabilities.
#pragma once

#include <vector>

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Writes as many probabilities as there are logits, at least one. Refuses logits that are not
/// finite; `where` begins the message.
Status softmax(const char* where, const std::vector<float>& logits,
               std::vector<double>& probabilities);

}  // namespace hvit_edge
