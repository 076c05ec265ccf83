#include "softmax.h"

#include <algorithm>
#include <cmath>

#include "engine/check_inputs.h"
#include "text.h"

namespace hvit_edge {

Status softmax(const char* where, const std::vector<float>& logits,
               std::vector<double>& probabilities) {
  const std::size_t bad = first_not_finite(logits.data(), logits.size());
  if (bad != logits.size()) {
    return Status(StatusCode::execution_failed,
                  concat("[", where, "] expected finite logits, got ", logits[bad], " for class ",
                         bad, "; compile the model at a higher precision"));
  }
  const float largest = *std::max_element(logits.begin(), logits.end());
  probabilities.resize(logits.size());
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    probabilities[i] = std::exp(static_cast<double>(logits[i]) - largest);
    total += probabilities[i];
  }
  for (double& probability : probabilities) probability /= total;
  return Status();
}

}  // namespace hvit_edge
