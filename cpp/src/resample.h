// Antialiased resampling along one axis, in the fixed-point arithmetic of Pillow's 8-bit images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hvit_edge/preprocess.h"

namespace hvit_edge {

/// The part of an axis that is needed: out of `resized` positions, `count` starting at `first`.
struct AxisCrop {
  int source = 0;   ///< length before
  int resized = 0;  ///< length after
  int first = 0;
  int count = 0;

  bool operator==(const AxisCrop& other) const {
    return source == other.source && resized == other.resized && first == other.first &&
           count == other.count;
  }
};

/// For each position wanted: which source positions count, and how much.
class AxisFilter {
 public:
  void prepare(const AxisCrop& crop, Interpolation interpolation);

  /// Lengths are equal: Pillow copies, and so do the passes.
  bool copies() const { return crop_.source == crop_.resized; }
  const AxisCrop& crop() const { return crop_; }
  /// Source positions [source_first(), source_last()) are read.
  int source_first() const { return source_first_; }
  int source_last() const { return source_last_; }

  /// First source position of output `i`.
  int start(int i) const { return starts_[i]; }
  /// Number of source positions of output `i`.
  int taps(int i) const { return taps_[i]; }
  const std::int32_t* weights(int i) const {
    return weights_.data() + static_cast<std::size_t>(i) * max_taps_;
  }

 private:
  void prepare_weights(Interpolation interpolation);
  void fill(int i, double centre, double support, double stretch, Interpolation interpolation);

  AxisCrop crop_;
  Interpolation interpolation_ = Interpolation::bilinear;
  int max_taps_ = 0;
  int source_first_ = 0;
  int source_last_ = 0;
  std::vector<int> starts_;
  std::vector<int> taps_;
  std::vector<std::int32_t> weights_;
  std::vector<double> exact_;
};

/// One row of RGB pixels to `filter.crop().count` pixels. `row` starts at filter.source_first().
void resample_row(const AxisFilter& filter, const std::uint8_t* row, std::uint8_t* output);

/// Rows of equal length in memory, `stride` bytes apart.
struct RowBlock {
  const std::uint8_t* first = nullptr;  ///< the row at filter.source_first()
  std::ptrdiff_t stride = 0;
  int bytes = 0;  ///< used bytes a row
};

/// Output row `i` of `rows.bytes` bytes. `sums` is scratch of as many numbers.
void resample_column(const AxisFilter& filter, int i, const RowBlock& rows, std::int32_t* sums,
                     std::uint8_t* output);

}  // namespace hvit_edge
