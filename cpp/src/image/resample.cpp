#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace hvit_edge {
namespace {

constexpr int kWeightGroup = 16;  // an instruction may read so many at once

double triangle(double x) {
  x = std::fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic with a = -0.5, in Pillow's order of operations.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  constexpr double pi = 3.14159265358979323846;
  if (x == 0.0) return 1.0;
  x *= pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

double evaluate(Interpolation interpolation, double x) {
  switch (interpolation) {
    case Interpolation::bilinear:
      return triangle(x);
    case Interpolation::bicubic:
      return cubic(x);
    case Interpolation::lanczos:
      break;
  }
  return lanczos(x);
}

// Returns the source pixels on either side that contribute if nothing shrinks.
double reach(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear:
      return 1.0;
    case Interpolation::bicubic:
      return 2.0;
    case Interpolation::lanczos:
      break;
  }
  return 3.0;
}

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

void AxisFilter::prepare(const AxisCrop& crop, Interpolation interpolation) {
  if (prepared_ && crop == crop_ && interpolation == interpolation_) return;
  prepared_ = false;  // until memory for all of it is allocated
  crop_ = crop;
  interpolation_ = interpolation;
  starts_.resize(crop_.count);
  taps_.resize(crop_.count);
  if (crop_.source == crop_.resized) {
    prepare_copies();
  } else {
    prepare_weights(interpolation);
  }
  most_taps_ = *std::max_element(taps_.begin(), taps_.end());
  source_first_ = crop_.source;
  source_last_ = 0;
  halves_.assign(2 * weights_.size(), 0);
  for (int i = 0; i < crop_.count; ++i) {
    if (crop_.reversed) reverse(i);
    split(i);
    source_first_ = std::min(source_first_, starts_[i]);
    source_last_ = std::max(source_last_, starts_[i] + taps_[i]);
  }
  prepared_ = true;
}

// If the lengths are equal, Pillow copies.
void AxisFilter::prepare_copies() {
  row_ = kWeightGroup;
  weights_.assign(static_cast<std::size_t>(crop_.count) * row_, 0);
  for (int i = 0; i < crop_.count; ++i) {
    starts_[i] = crop_.first + i;
    taps_[i] = 1;
    weights_[static_cast<std::size_t>(i) * row_] = std::int32_t{1} << kFractionBits;
  }
}

void AxisFilter::prepare_weights(Interpolation interpolation) {
  const double scale = static_cast<double>(crop_.source) / crop_.resized;
  const double stretch = std::max(scale, 1.0);
  const double support = reach(interpolation) * stretch;
  const int room = static_cast<int>(std::ceil(support)) * 2 + 1;
  row_ = (room + kWeightGroup - 1) / kWeightGroup * kWeightGroup;
  weights_.assign(static_cast<std::size_t>(crop_.count) * row_, 0);
  exact_.resize(room);
  for (int i = 0; i < crop_.count; ++i) {
    fill(i, (crop_.first + i + 0.5) * scale, support, stretch, interpolation);
  }
}

void AxisFilter::fill(int i, double centre, double support, double stretch,
                      Interpolation interpolation) {
  // Pillow rounds so, and its results are ours byte for byte.
  // NOLINTBEGIN(bugprone-incorrect-roundings)
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int last = std::min(static_cast<int>(centre + support + 0.5), crop_.source);
  // NOLINTEND(bugprone-incorrect-roundings)
  const int taps = last - first;
  const double shrink = 1.0 / stretch;
  double total = 0.0;
  for (int k = 0; k < taps; ++k) {
    exact_[k] = evaluate(interpolation, (k + first - centre + 0.5) * shrink);
    total += exact_[k];
  }
  starts_[i] = first;
  taps_[i] = taps;
  std::int32_t* weights = weights_.data() + static_cast<std::size_t>(i) * row_;
  for (int k = 0; k < taps; ++k) {
    weights[k] = to_fixed(total != 0.0 ? exact_[k] / total : exact_[k]);
  }
}

void AxisFilter::reverse(int i) {
  starts_[i] = crop_.source - starts_[i] - taps_[i];
  std::int32_t* weights = weights_.data() + static_cast<std::size_t>(i) * row_;
  std::reverse(weights, weights + taps_[i]);
}

void AxisFilter::split(int i) {
  const std::int32_t* whole = weights(i);
  std::int16_t* upper = halves_.data() + 2 * static_cast<std::size_t>(i) * row_;
  for (int k = 0; k < taps_[i]; ++k) {
    upper[k] = static_cast<std::int16_t>(whole[k] >> kLowerBits);
    upper[k + row_] = static_cast<std::int16_t>(whole[k] & ((1 << kLowerBits) - 1));
  }
}

}  // namespace hvit_edge
