#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace hvit_edge {
namespace {

// 8 bits of pixel, 2 bits of headroom for negative lobes, the rest of 32 for the weight.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = std::int32_t{1} << (kFractionBits - 1);

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

double evaluate(Interpolation interpolation, double x) {
  return interpolation == Interpolation::bilinear ? triangle(x) : cubic(x);
}

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

}  // namespace

void AxisFilter::prepare(const AxisCrop& crop, Interpolation interpolation) {
  if (crop == crop_ && interpolation == interpolation_) return;
  crop_ = crop;
  interpolation_ = interpolation;
  if (copies()) {
    source_first_ = crop.first;
    source_last_ = crop.first + crop.count;
  } else {
    prepare_weights(interpolation);
  }
}

void AxisFilter::prepare_weights(Interpolation interpolation) {
  const double scale = static_cast<double>(crop_.source) / crop_.resized;
  const double stretch = std::max(scale, 1.0);
  const double support = (interpolation == Interpolation::bilinear ? 1.0 : 2.0) * stretch;
  max_taps_ = static_cast<int>(std::ceil(support)) * 2 + 1;
  starts_.resize(crop_.count);
  taps_.resize(crop_.count);
  weights_.assign(static_cast<std::size_t>(crop_.count) * max_taps_, 0);
  exact_.resize(max_taps_);
  source_first_ = crop_.source;
  source_last_ = 0;
  for (int i = 0; i < crop_.count; ++i) {
    fill(i, (crop_.first + i + 0.5) * scale, support, stretch, interpolation);
    source_first_ = std::min(source_first_, starts_[i]);
    source_last_ = std::max(source_last_, starts_[i] + taps_[i]);
  }
}

void AxisFilter::fill(int i, double centre, double support, double stretch,
                      Interpolation interpolation) {
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int last = std::min(static_cast<int>(centre + support + 0.5), crop_.source);
  const int taps = last - first;
  const double shrink = 1.0 / stretch;
  double total = 0.0;
  for (int k = 0; k < taps; ++k) {
    exact_[k] = evaluate(interpolation, (k + first - centre + 0.5) * shrink);
    total += exact_[k];
  }
  starts_[i] = first;
  taps_[i] = taps;
  std::int32_t* weights = weights_.data() + static_cast<std::size_t>(i) * max_taps_;
  for (int k = 0; k < taps; ++k) {
    weights[k] = to_fixed(total != 0.0 ? exact_[k] / total : exact_[k]);
  }
}

void resample_row(const AxisFilter& filter, const std::uint8_t* row, std::uint8_t* output) {
  const AxisCrop& crop = filter.crop();
  if (filter.copies()) {
    std::memcpy(output, row, 3 * static_cast<std::size_t>(crop.count));
    return;
  }
  for (int i = 0; i < crop.count; ++i) {
    const std::uint8_t* pixel =
        row + 3 * static_cast<std::size_t>(filter.start(i) - filter.source_first());
    const std::int32_t* weights = filter.weights(i);
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    for (int k = 0; k < filter.taps(i); ++k, pixel += 3) {
      red += pixel[0] * weights[k];
      green += pixel[1] * weights[k];
      blue += pixel[2] * weights[k];
    }
    *output++ = to_byte(red);
    *output++ = to_byte(green);
    *output++ = to_byte(blue);
  }
}

void resample_column(const AxisFilter& filter, int i, const RowBlock& rows, std::int32_t* sums,
                     std::uint8_t* output) {
  if (filter.copies()) {
    std::memcpy(output, rows.first + i * rows.stride, static_cast<std::size_t>(rows.bytes));
    return;
  }
  std::fill_n(sums, rows.bytes, kHalf);
  const std::int32_t* weights = filter.weights(i);
  const std::uint8_t* row = rows.first + (filter.start(i) - filter.source_first()) * rows.stride;
  for (int k = 0; k < filter.taps(i); ++k, row += rows.stride) {
    const std::int32_t weight = weights[k];
    for (int x = 0; x < rows.bytes; ++x) sums[x] += row[x] * weight;
  }
  for (int x = 0; x < rows.bytes; ++x) output[x] = to_byte(sums[x]);
}

}  // namespace hvit_edge
