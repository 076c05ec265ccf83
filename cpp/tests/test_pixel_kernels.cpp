// Every instruction set of this machine gives the bytes of the scalar loops, and writes no other
// bytes. Memory has exactly the size that a loop may read, so that a sanitizer sees reads beyond
// it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "image/pixel_kernels.h"

namespace hvit_edge {
namespace {

constexpr std::uint8_t kUntouched = 0xEE;

class Random {
 public:
  int operator()(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine_);
  }

  // Many of the bytes are 0 or 255, where sums are largest.
  std::unique_ptr<std::uint8_t[]> bytes(std::size_t count) {
    std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[count]);
    for (std::size_t i = 0; i < count; ++i) {
      const int kind = (*this)(0, 3);
      memory[i] = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 255 : (*this)(0, 255));
    }
    return memory;
  }

 private:
  std::mt19937 engine_{1};
};

// Runs `body` with both kernels on fresh rows and compares all of them.
template <typename Body>
void expect_equal(const PixelKernels& kernels, std::size_t bytes, const Body& body) {
  std::vector<std::uint8_t> expected(bytes, kUntouched);
  std::vector<std::uint8_t> actual(bytes, kUntouched);
  body(scalar_kernels(), expected.data());
  body(kernels, actual.data());
  ASSERT_EQ(actual, expected) << kernels.name;
}

TEST(PixelKernels, ConvertYuvAsTheScalarOnes) {
  Random random;
  for (const PixelKernels* kernels : pixel_kernels()) {
    for (int count = 1; count < 150; ++count) {
      const int samples = (count + 1) / 2;
      const int step = random(1, 2);
      const auto luma = random.bytes(count);
      const auto u = random.bytes(2 * samples);
      const auto v = random.bytes(samples);
      // Pairs: V and U in one plane. Apart: two planes.
      const ChromaRow chroma =
          step == 2 ? ChromaRow{u.get() + 1, u.get(), 2} : ChromaRow{u.get() + samples, v.get(), 1};
      const YuvWeights& weights = yuv_weights(random(0, 1) ? YuvMatrix::bt709 : YuvMatrix::bt601,
                                              random(0, 1) ? YuvRange::video : YuvRange::full);
      const std::size_t distance = color_distance(count);
      expect_equal(*kernels, 3 * distance, [&](const PixelKernels& k, std::uint8_t* output) {
        k.convert_yuv(luma.get(), chroma, count, weights, {output, distance});
      });
    }
  }
}

TEST(PixelKernels, SeparateAsTheScalarOnes) {
  Random random;
  for (const PixelKernels* kernels : pixel_kernels()) {
    for (int count = 1; count < 70; ++count) {
      for (const PackedPixel pixel : {PackedPixel{3, 0}, PackedPixel{4, 0}, PackedPixel{4, 2}}) {
        const auto pixels = random.bytes(static_cast<std::size_t>(count) * pixel.bytes);
        const std::size_t distance = color_distance(count);
        expect_equal(*kernels, 3 * distance, [&](const PixelKernels& k, std::uint8_t* output) {
          k.separate(pixels.get(), count, pixel, {output, distance});
        });
      }
    }
  }
}

TEST(PixelKernels, ResampleRowsAsTheScalarOnes) {
  Random random;
  for (const PixelKernels* kernels : pixel_kernels()) {
    for (int turn = 0; turn < 300; ++turn) {
      AxisCrop crop;
      crop.source = random(1, turn < 290 ? 300 : 20000);
      crop.resized = random(1, 60);
      crop.first = random(0, crop.resized - 1);
      crop.count = random(1, crop.resized - crop.first);
      crop.reversed = random(0, 1) == 1;
      AxisFilter filter;
      filter.prepare(crop, random(0, 1) ? Interpolation::bicubic : Interpolation::bilinear);
      const std::size_t distance = color_distance(filter.source_last() - filter.source_first());
      const auto row = random.bytes(3 * distance);
      expect_equal(*kernels, 3 * crop.count, [&](const PixelKernels& k, std::uint8_t* output) {
        k.resample_row(filter, {row.get(), distance}, output);
      });
    }
  }
}

TEST(PixelKernels, ResampleColumnsAsTheScalarOnes) {
  Random random;
  for (const PixelKernels* kernels : pixel_kernels()) {
    for (std::size_t bytes = 1; bytes < 100; ++bytes) {
      AxisFilter filter;
      filter.prepare({random(1, 100), 9, 0, 9, false}, Interpolation::bicubic);
      const auto memory = random.bytes(bytes * filter.most_taps());
      std::vector<const std::uint8_t*> rows;
      for (int k = 0; k < filter.taps(4); ++k) rows.push_back(memory.get() + k * bytes);
      expect_equal(*kernels, bytes, [&](const PixelKernels& k, std::uint8_t* output) {
        k.resample_column({rows.data(), filter.weights(4), filter.taps(4)}, bytes, output);
      });
    }
  }
}

// The formula of docs/frames.md in real numbers.
std::array<double, 3> exact_rgb(int y, int u, int v, YuvMatrix matrix, YuvRange range) {
  const bool video = range == YuvRange::video;
  const double kr = matrix == YuvMatrix::bt709 ? 0.2126 : 0.299;
  const double kb = matrix == YuvMatrix::bt709 ? 0.0722 : 0.114;
  const double kg = 1 - kr - kb;
  const double light = video ? (y - 16) * 255.0 / 219 : y;
  const double cb = (u - 128) * (video ? 255.0 / 224 : 1.0);
  const double cr = (v - 128) * (video ? 255.0 / 224 : 1.0);
  const double green = light - 2 * kb * (1 - kb) / kg * cb - 2 * kr * (1 - kr) / kg * cr;
  return {light + 2 * (1 - kr) * cr, green, light + 2 * (1 - kb) * cb};
}

double largest_error(YuvMatrix matrix, YuvRange range) {
  double largest = 0;
  for (int i = 0; i < 256 * 86 * 86; ++i) {
    const int y = i % 256;
    const int u = i / 256 % 86 * 3;
    const int v = i / 256 / 86 * 3;
    const std::array<double, 3> exact = exact_rgb(y, u, v, matrix, range);
    const Rgb rgb = to_rgb(y, u, v, yuv_weights(matrix, range));
    const int actual[] = {rgb.red, rgb.green, rgb.blue};
    for (int c = 0; c < 3; ++c) {
      largest = std::max(largest, std::fabs(actual[c] - std::clamp(exact[c], 0.0, 255.0)));
    }
  }
  return largest;
}

// Half a level comes from rounding to bytes; the rest comes from weights of 13 bits and from
// rounded products.
TEST(Yuv, LiesWithinOneLevelOfTheFormula) {
  for (const YuvMatrix matrix : {YuvMatrix::bt601, YuvMatrix::bt709}) {
    for (const YuvRange range : {YuvRange::full, YuvRange::video}) {
      const double largest = largest_error(matrix, range);
      EXPECT_LT(largest, 0.6);
      EXPECT_GT(largest, 0.4);
    }
  }
}

}  // namespace
}  // namespace hvit_edge
