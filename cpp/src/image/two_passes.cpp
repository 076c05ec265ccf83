#include "image/two_passes.h"

namespace hvit_edge {

void TwoPasses::run(const PixelRows& pixels, const AxisFilter& across, const AxisFilter& down,
                    bool across_first, std::uint8_t* output) {
  first_ = across.source_first();
  last_ = across.source_last();
  distance_ = color_distance(last_ - first_);
  row_.resize(3 * distance_);
  taps_.resize(down.most_taps());
  if (across_first) {
    across_then_down(pixels, across, down, output);
  } else {
    down_then_across(pixels, across, down, output);
  }
}

void TwoPasses::across_then_down(const PixelRows& pixels, const AxisFilter& across,
                                 const AxisFilter& down, std::uint8_t* output) {
  const std::size_t width = 3 * static_cast<std::size_t>(across.crop().count);
  const ColorRows wide{row_.data(), distance_};
  window_.prepare(width, down.most_taps());
  for (int i = 0; i < down.crop().count; ++i, output += width) {
    for (int k = 0; k < down.taps(i); ++k) {
      const int y = down.start(i) + k;
      taps_[k] = window_.row(y, [&](std::uint8_t* narrow) {
        pixels.separate(y, first_, last_, wide);
        kernels_.resample_row(across, {wide.red, wide.distance}, narrow);
      });
    }
    kernels_.resample_column({taps_.data(), down.weights(i), down.taps(i)}, width, output);
  }
}

void TwoPasses::down_then_across(const PixelRows& pixels, const AxisFilter& across,
                                 const AxisFilter& down, std::uint8_t* output) {
  const bool packed = pixels.are_rgb();
  const std::size_t width = 3 * static_cast<std::size_t>(last_ - first_);
  const ColorRows wide{row_.data(), distance_};
  if (packed) packed_.resize(width);
  if (!packed) window_.prepare(row_.size(), down.most_taps());
  for (int i = 0; i < down.crop().count; ++i, output += 3 * across.crop().count) {
    for (int k = 0; k < down.taps(i); ++k) {
      const int y = down.start(i) + k;
      const auto separate = [&](std::uint8_t* row) {
        pixels.separate(y, first_, last_, {row, distance_});
      };
      taps_[k] = packed ? pixels.rgb(y, first_) : window_.row(y, separate);
    }
    const ColumnTaps taps{taps_.data(), down.weights(i), down.taps(i)};
    if (packed) {
      kernels_.resample_column(taps, width, packed_.data());
      kernels_.separate(packed_.data(), last_ - first_, {}, wide);
    } else {
      kernels_.resample_column(taps, row_.size(), row_.data());
    }
    kernels_.resample_row(across, {wide.red, wide.distance}, output);
  }
}

}  // namespace hvit_edge
