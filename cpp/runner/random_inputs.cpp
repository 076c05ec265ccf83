#include "random_inputs.h"

#include <cstddef>
#include <random>

namespace hvit_edge {

Result<RandomInputs> RandomInputs::create(const Session& session) {
  RandomInputs inputs;
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  for (const TensorSpec& spec : session.inputs()) {
    // Integer inputs are zeros, which index the first row of any table.
    const auto bytes = static_cast<std::size_t>(spec.numel()) * element_size(spec.dtype);
    std::vector<float> values((bytes + sizeof(float) - 1) / sizeof(float));
    if (spec.dtype == DType::float32) {
      for (float& value : values) value = normal(generator);
    }
    inputs.values_.push_back(std::move(values));
    // Moving the outer vector later does not move the arrays.
    inputs.views_.push_back({inputs.values_.back().data(), spec.shape, spec.dtype});
  }
  return inputs;
}

}  // namespace hvit_edge
