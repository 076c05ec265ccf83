#include "tasks/axis_samples.h"

#include <algorithm>

namespace hvit_edge {

void AxisSamples::prepare(const AxisPlace& place, int cells) {
  if (cells == cells_ && place == place_) return;
  place_ = place;
  cells_ = cells;
  runs_.clear();
  weights_.assign(static_cast<std::size_t>(place.crop.source), 0.0F);
  const int last = cells - 1;
  for (int pixel = 0; pixel < place.crop.source; ++pixel) {
    const double input = place.to_input(pixel + 0.5);
    if (input < 0 || input >= place.crop.count) continue;
    const double cell = input * cells / place.crop.count - 0.5;
    const double inside = std::clamp(cell, 0.0, static_cast<double>(last));
    const int first = std::min(static_cast<int>(inside), std::max(last - 1, 0));
    weights_[static_cast<std::size_t>(pixel)] = static_cast<float>(inside - first);
    if (runs_.empty() || runs_.back().first != first) {
      runs_.push_back({first, std::min(first + 1, last), pixel, pixel});
    }
    runs_.back().end = pixel + 1;
  }
}

}  // namespace hvit_edge
