#include "random_inputs.h"

#include <cstddef>
#include <random>

#include "text.h"

namespace hvit_edge {

Result<RandomInputs> RandomInputs::create(const Session& session) {
  RandomInputs inputs;
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  for (const TensorSpec& spec : session.inputs()) {
    if (spec.dtype != DType::float32) {
      return Status(
          StatusCode::invalid_artifact,
          concat("[RandomInputs] input ", inputs.values_.size(), ": expected float32, got ",
                 to_string(spec.dtype), "; compile the model with float32 inputs"));
    }
    std::vector<float> values(static_cast<std::size_t>(spec.numel()));
    for (float& value : values) value = normal(generator);
    inputs.values_.push_back(std::move(values));
    // Moving the outer vector later leaves the arrays where they are.
    inputs.views_.push_back({inputs.values_.back().data(), spec.shape, spec.dtype});
  }
  return inputs;
}

}  // namespace hvit_edge
