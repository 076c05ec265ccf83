// The pixel loops, once for each instruction set. All give the bytes of the scalar ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "image/color_rows.h"
#include "image/resample.h"
#include "image/yuv.h"

namespace hvit_edge {

/// The chroma samples of one row: one for two pixels, `step` bytes (1 or 2) apart.
struct ChromaRow {
  const std::uint8_t* u = nullptr;
  const std::uint8_t* v = nullptr;
  int step = 1;

  /// Returns the samples from an even pixel on.
  ChromaRow from(int pixel) const {
    const std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(pixel / 2) * step;
    return {u + bytes, v + bytes, step};
  }
};

/// The places of the colors in a pixel.
struct PackedPixel {
  int bytes = 3;  ///< 3 or 4
  int red = 0;    ///< 0, or 2 if blue comes first
};

/// The input rows of one output row of the pass down the columns.
struct ColumnTaps {
  const std::uint8_t* const* rows = nullptr;
  const std::int32_t* weights = nullptr;
  int count = 0;
};

struct PixelKernels {
  const char* name;
  bool (*runs_here)();

  /// Converts `count` pixels. The first one must be the left one of its chroma sample.
  void (*convert_yuv)(const std::uint8_t* luma, const ChromaRow& chroma, int count,
                      const YuvWeights& weights, const ColorRows& output);

  /// Separates the colors of `count` packed pixels.
  void (*separate)(const std::uint8_t* pixels, int count, const PackedPixel& pixel,
                   const ColorRows& output);

  /// A row that starts at filter.source_first() to filter.crop().count pixels of RGB. Reads, with
  /// weights of zero, up to kReadAhead bytes after the last tap.
  void (*resample_row)(const AxisFilter& filter, const ConstColorRows& row, std::uint8_t* output);

  /// Computes the weighted sum of rows that are `bytes` wide.
  void (*resample_column)(const ColumnTaps& taps, std::size_t bytes, std::uint8_t* output);
};

/// Null if they were compiled for another machine.
const PixelKernels* avx2_kernels();
const PixelKernels* sse41_kernels();
const PixelKernels* neon_kernels();
const PixelKernels& scalar_kernels();

/// Returns the kernels that this machine runs, the fastest first and the scalar ones last.
const std::vector<const PixelKernels*>& pixel_kernels();

/// Returns the kernels of this name, or null if this machine does not run them.
const PixelKernels* find_kernels(const std::string& name);

/// Computes one byte of a weighted sum of rows, for bytes that do not fill a vector.
inline std::uint8_t resample_byte(const ColumnTaps& taps, std::size_t x) {
  std::int32_t sum = kHalf;
  for (int k = 0; k < taps.count; ++k) sum += taps.rows[k][x] * taps.weights[k];
  return to_byte(sum);
}

/// Computes one pixel of a row, for pixels that do not fill a vector.
inline void resample_pixel(const AxisFilter& filter, int i, const ConstColorRows& row,
                           std::uint8_t* output) {
  const std::int32_t* weights = filter.weights(i);
  for (int color = 0; color < 3; ++color) {
    const std::uint8_t* bytes = row.row(color) + filter.start(i) - filter.source_first();
    std::int32_t sum = kHalf;
    for (int k = 0; k < filter.taps(i); ++k) sum += bytes[k] * weights[k];
    output[color] = to_byte(sum);
  }
}

}  // namespace hvit_edge
