// Inputs for measurements in which only the time matters.
#pragma once

#include <vector>

#include "hvit_edge/session.h"
#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// Holds standard normal values for float32 inputs, the same in every run, and zeros for others.
class RandomInputs {
 public:
  static Result<RandomInputs> create(const Session& session);

  /// Returns views that are valid while this object lives.
  const std::vector<TensorView>& views() const { return views_; }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<TensorView> views_;
};

}  // namespace hvit_edge
