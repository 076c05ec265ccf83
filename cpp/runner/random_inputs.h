// Inputs where only the time matters.
#pragma once

#include <vector>

#include "hvit_edge/session.h"
#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

/// Standard normal values, the same in every run, for float32 inputs, and zeros for others.
class RandomInputs {
 public:
  static Result<RandomInputs> create(const Session& session);

  /// Valid while this object lives.
  const std::vector<TensorView>& views() const { return views_; }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<TensorView> views_;
};

}  // namespace hvit_edge
