// Antialiased resampling along one axis, in the fixed-point arithmetic of Pillow's 8-bit images.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hvit_edge/preprocess.h"

namespace hvit_edge {

// Of 32 bits, 8 are for the pixel and 2 are headroom for negative lobes; the rest is for the
// weight.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = std::int32_t{1} << (kFractionBits - 1);

inline std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

/// The part of an axis that is needed: `count` of `resized` positions, starting at `first`.
struct AxisCrop {
  int source = 0;   ///< length before
  int resized = 0;  ///< length after
  int first = 0;
  int count = 0;
  bool reversed = false;  ///< the source is stored from its end

  bool operator==(const AxisCrop& other) const {
    return source == other.source && resized == other.resized && first == other.first &&
           count == other.count && reversed == other.reversed;
  }
};

/// Weights for instructions that multiply 16-bit numbers: weight = upper * 2^kLowerBits + lower,
/// with 0 <= lower < 2^kLowerBits.
struct WeightHalves {
  const std::int16_t* upper = nullptr;
  const std::int16_t* lower = nullptr;
};
constexpr int kLowerBits = 11;

/// Says for each position which source positions contribute, and with which weights. Source
/// positions are those of the stored axis.
class AxisFilter {
 public:
  void prepare(const AxisCrop& crop, Interpolation interpolation);

  const AxisCrop& crop() const { return crop_; }
  /// Source positions [source_first(), source_last()) are read.
  int source_first() const { return source_first_; }
  int source_last() const { return source_last_; }
  /// Returns the largest of taps().
  int most_taps() const { return most_taps_; }

  /// Returns the first source position of output `i`.
  int start(int i) const { return starts_[i]; }
  /// Returns the number of source positions of output `i`.
  int taps(int i) const { return taps_[i]; }
  /// Returns one weight for each tap, then zeros up to a multiple of sixteen.
  const std::int32_t* weights(int i) const {
    return weights_.data() + static_cast<std::size_t>(i) * row_;
  }
  /// Returns the weights in halves.
  WeightHalves halves(int i) const {
    const std::int16_t* upper = halves_.data() + 2 * static_cast<std::size_t>(i) * row_;
    return {upper, upper + row_};
  }

 private:
  void prepare_copies();
  void prepare_weights(Interpolation interpolation);
  void fill(int i, double centre, double support, double stretch, Interpolation interpolation);
  void reverse(int i);
  void split(int i);

  bool prepared_ = false;
  AxisCrop crop_;
  Interpolation interpolation_ = Interpolation::bilinear;
  int row_ = 0;  // weights of an output
  int most_taps_ = 0;
  int source_first_ = 0;
  int source_last_ = 0;
  std::vector<int> starts_;
  std::vector<int> taps_;
  std::vector<std::int32_t> weights_;
  std::vector<std::int16_t> halves_;
  std::vector<double> exact_;
};

}  // namespace hvit_edge
