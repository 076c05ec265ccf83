// The reference that the other instruction sets are compared with. It also computes their last few
// pixels.
#include <algorithm>

#include "image/pixel_kernels.h"

namespace hvit_edge {
namespace {

constexpr std::size_t kBlock = 256;  // bytes of a row whose sums stay in the cache

void convert_yuv(const std::uint8_t* luma, const ChromaRow& chroma, int count,
                 const YuvWeights& weights, const ColorRows& output) {
  for (int x = 0; x < count; ++x) {
    const std::ptrdiff_t sample = static_cast<std::ptrdiff_t>(x / 2) * chroma.step;
    const Rgb pixel = to_rgb(luma[x], chroma.u[sample], chroma.v[sample], weights);
    output.row(0)[x] = pixel.red;
    output.row(1)[x] = pixel.green;
    output.row(2)[x] = pixel.blue;
  }
}

void separate(const std::uint8_t* pixels, int count, const PackedPixel& pixel,
              const ColorRows& output) {
  for (int x = 0; x < count; ++x, pixels += pixel.bytes) {
    output.row(0)[x] = pixels[pixel.red];
    output.row(1)[x] = pixels[1];
    output.row(2)[x] = pixels[2 - pixel.red];
  }
}

void resample_row(const AxisFilter& filter, const ConstColorRows& row, std::uint8_t* output) {
  const int count = filter.crop().count;
  for (int i = 0; i < count; ++i, output += 3) resample_pixel(filter, i, row, output);
}

void resample_column(const ColumnTaps& taps, std::size_t bytes, std::uint8_t* output) {
  std::int32_t sums[kBlock];
  for (std::size_t first = 0; first < bytes; first += kBlock) {
    const std::size_t count = std::min(kBlock, bytes - first);
    std::fill_n(sums, count, kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const std::uint8_t* row = taps.rows[k] + first;
      const std::int32_t weight = taps.weights[k];
      for (std::size_t x = 0; x < count; ++x) sums[x] += row[x] * weight;
    }
    for (std::size_t x = 0; x < count; ++x) output[first + x] = to_byte(sums[x]);
  }
}

bool runs_here() { return true; }

}  // namespace

const PixelKernels& scalar_kernels() {
  static constexpr PixelKernels kKernels = {"scalar",  &runs_here,    &convert_yuv,
                                            &separate, &resample_row, &resample_column};
  return kKernels;
}

}  // namespace hvit_edge
