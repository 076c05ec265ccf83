// Pixel loops for x86 with SSE4.1. An attribute of each function asks for it, not a flag of the
// file: what other files share with this one is not compiled with it.
#include "image/pixel_kernels.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#include <cstring>

#include "image/separate_bytes.h"
#include "x86_cpu.h"

#define SSE41 __attribute__((target("sse4.1")))

namespace hvit_edge {
namespace {

SSE41 __m128i load(const void* memory) {
  return _mm_loadu_si128(static_cast<const __m128i*>(memory));
}

SSE41 __m128i load_half(const void* memory) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(memory));
}

SSE41 void store(void* memory, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(memory), value);
}

// Loads eight samples; samples in pairs are every second byte.
SSE41 __m128i load_samples(const std::uint8_t* samples, int step) {
  if (step == 2) return _mm_and_si128(load(samples), _mm_set1_epi16(0xFF));
  return _mm_cvtepu8_epi16(load_half(samples));
}

SSE41 __m128i centered(__m128i words, int black) {
  return _mm_slli_epi16(_mm_sub_epi16(words, _mm_set1_epi16(static_cast<short>(black))),
                        kYuvInputShift);
}

SSE41 __m128i times(__m128i words, std::int16_t weight) {
  return _mm_mulhrs_epi16(words, _mm_set1_epi16(weight));
}

// Returns sixteen bytes of one color: eight pixels of luma in each, and a color for two pixels.
SSE41 __m128i color(__m128i first, __m128i second, __m128i difference) {
  const __m128i low = _mm_add_epi16(first, _mm_unpacklo_epi16(difference, difference));
  const __m128i high = _mm_add_epi16(second, _mm_unpackhi_epi16(difference, difference));
  return _mm_packus_epi16(_mm_srai_epi16(low, kYuvOutputShift),
                          _mm_srai_epi16(high, kYuvOutputShift));
}

SSE41 void convert_yuv(const std::uint8_t* luma, const ChromaRow& chroma, int count,
                       const YuvWeights& weights, const ColorRows& output) {
  const __m128i half = _mm_set1_epi16(kYuvHalf);
  int x = 0;
  // Pairs are read whole: at least one pixel is left over, so that the last pair is inside.
  for (; x + 16 < count; x += 16) {
    const ChromaRow samples = chroma.from(x);
    const __m128i u = centered(load_samples(samples.u, samples.step), 128);
    const __m128i v = centered(load_samples(samples.v, samples.step), 128);
    const __m128i low = centered(_mm_cvtepu8_epi16(load_half(luma + x)), weights.black);
    const __m128i high = centered(_mm_cvtepu8_epi16(load_half(luma + x + 8)), weights.black);
    const __m128i first = _mm_add_epi16(times(low, weights.luma), half);
    const __m128i second = _mm_add_epi16(times(high, weights.luma), half);
    const __m128i green = _mm_add_epi16(times(u, weights.u_to_green), times(v, weights.v_to_green));
    store(output.row(0) + x, color(first, second, times(v, weights.v_to_red)));
    store(output.row(1) + x, color(first, second, green));
    store(output.row(2) + x, color(first, second, times(u, weights.u_to_blue)));
  }
  scalar_kernels().convert_yuv(luma + x, chroma.from(x), count - x, weights, output.from(x));
}

SSE41 __m128i one_color(const std::uint8_t (&from)[3][16], const __m128i (&parts)[3]) {
  return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(parts[0], load(from[0])),
                                   _mm_shuffle_epi8(parts[1], load(from[1]))),
                      _mm_shuffle_epi8(parts[2], load(from[2])));
}

SSE41 int separate_threes(const std::uint8_t* pixels, int count, int red, const ColorRows& output) {
  int x = 0;
  for (; x + 16 <= count; x += 16, pixels += 48) {
    const __m128i parts[3] = {load(pixels), load(pixels + 16), load(pixels + 32)};
    store(output.row(0) + x, one_color(kSeparate.from[red], parts));
    store(output.row(1) + x, one_color(kSeparate.from[1], parts));
    store(output.row(2) + x, one_color(kSeparate.from[2 - red], parts));
  }
  return x;
}

// Four pixels become four bytes of each color; then rows and columns change places.
SSE41 int separate_fours(const std::uint8_t* pixels, int count, int red, const ColorRows& output) {
  const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  int x = 0;
  for (; x + 16 <= count; x += 16, pixels += 64) {
    const __m128i a = _mm_shuffle_epi8(load(pixels), order);
    const __m128i b = _mm_shuffle_epi8(load(pixels + 16), order);
    const __m128i c = _mm_shuffle_epi8(load(pixels + 32), order);
    const __m128i d = _mm_shuffle_epi8(load(pixels + 48), order);
    const __m128i first = _mm_unpacklo_epi32(a, b);
    const __m128i second = _mm_unpacklo_epi32(c, d);
    store(output.row(red) + x, _mm_unpacklo_epi64(first, second));
    store(output.row(1) + x, _mm_unpackhi_epi64(first, second));
    store(output.row(2 - red) + x,
          _mm_unpacklo_epi64(_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d)));
  }
  return x;
}

SSE41 void separate(const std::uint8_t* pixels, int count, const PackedPixel& pixel,
                    const ColorRows& output) {
  const int x = pixel.bytes == 3 ? separate_threes(pixels, count, pixel.red, output)
                                 : separate_fours(pixels, count, pixel.red, output);
  scalar_kernels().separate(pixels + static_cast<std::ptrdiff_t>(x) * pixel.bytes, count - x, pixel,
                            output.from(x));
}

// Returns four partial sums of one color.
SSE41 __m128i weighted(const std::uint8_t* bytes, const WeightHalves& weights, int taps) {
  __m128i upper = _mm_setzero_si128();
  __m128i lower = _mm_setzero_si128();
  for (int k = 0; k < taps; k += 8) {
    const __m128i words = _mm_cvtepu8_epi16(load_half(bytes + k));
    upper = _mm_add_epi32(upper, _mm_madd_epi16(words, load(weights.upper + k)));
    lower = _mm_add_epi32(lower, _mm_madd_epi16(words, load(weights.lower + k)));
  }
  return _mm_add_epi32(_mm_slli_epi32(upper, kLowerBits), lower);
}

SSE41 void resample_row(const AxisFilter& filter, const ConstColorRows& row, std::uint8_t* output) {
  const __m128i half = _mm_set1_epi32(kHalf);
  const __m128i zero = _mm_setzero_si128();
  const int count = filter.crop().count;
  for (int i = 0; i < count; ++i, output += 3) {
    const ConstColorRows bytes = row.from(filter.start(i) - filter.source_first());
    const WeightHalves weights = filter.halves(i);
    const __m128i red = weighted(bytes.row(0), weights, filter.taps(i));
    const __m128i green = weighted(bytes.row(1), weights, filter.taps(i));
    const __m128i blue = weighted(bytes.row(2), weights, filter.taps(i));
    const __m128i two =
        _mm_add_epi32(_mm_unpacklo_epi32(red, green), _mm_unpackhi_epi32(red, green));
    const __m128i one =
        _mm_add_epi32(_mm_unpacklo_epi32(blue, zero), _mm_unpackhi_epi32(blue, zero));
    const __m128i sums = _mm_add_epi32(_mm_unpacklo_epi64(two, one), _mm_unpackhi_epi64(two, one));
    const __m128i rounded = _mm_srai_epi32(_mm_add_epi32(sums, half), kFractionBits);
    const __m128i words = _mm_packs_epi32(rounded, rounded);
    const int rgb = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(output, &rgb, 3);
  }
}

SSE41 __m128i load_four(const std::uint8_t* bytes) {
  int four;
  std::memcpy(&four, bytes, 4);
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
}

SSE41 void resample_column(const ColumnTaps& taps, std::size_t bytes, std::uint8_t* output) {
  std::size_t x = 0;
  for (; x + 16 <= bytes; x += 16) {
    __m128i sums[4];
    for (__m128i& sum : sums) sum = _mm_set1_epi32(kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const std::uint8_t* row = taps.rows[k] + x;
      const __m128i weight = _mm_set1_epi32(taps.weights[k]);
      for (int part = 0; part < 4; ++part) {
        sums[part] = _mm_add_epi32(sums[part], _mm_mullo_epi32(load_four(row + 4 * part), weight));
      }
    }
    for (__m128i& sum : sums) sum = _mm_srai_epi32(sum, kFractionBits);
    store(output + x,
          _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3])));
  }
  for (; x < bytes; ++x) output[x] = resample_byte(taps, x);
}

bool runs_here() { return x86_cpu().sse41; }

}  // namespace

const PixelKernels* sse41_kernels() {
  static constexpr PixelKernels kKernels = {"sse4.1",  &runs_here,    &convert_yuv,
                                            &separate, &resample_row, &resample_column};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::PixelKernels* hvit_edge::sse41_kernels() { return nullptr; }

#endif
