// Pixel loops for x86 with AVX2, asked for as in pixel_kernels_sse41.cpp.
#include "image/pixel_kernels.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#include <cstring>

#include "x86_cpu.h"

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) inline

namespace hvit_edge {
namespace {

AVX2 __m128i load_half(const void* memory) {
  return _mm_loadu_si128(static_cast<const __m128i*>(memory));
}

AVX2 __m256i load(const void* memory) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(memory));
}

AVX2 void store(void* memory, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(memory), value);
}

// Reorders quarters as 0 2 1 3: undoes the order from unpacking or packing each half by itself.
AVX2 __m256i in_order(__m256i value) { return _mm256_permute4x64_epi64(value, 0xD8); }

// Loads sixteen samples; samples in pairs are every second byte.
AVX2 __m256i load_samples(const std::uint8_t* samples, int step) {
  if (step == 2) return _mm256_and_si256(load(samples), _mm256_set1_epi16(0xFF));
  return _mm256_cvtepu8_epi16(load_half(samples));
}

AVX2 __m256i centered(__m256i words, int black) {
  return _mm256_slli_epi16(_mm256_sub_epi16(words, _mm256_set1_epi16(static_cast<short>(black))),
                           kYuvInputShift);
}

AVX2 __m256i times(__m256i words, std::int16_t weight) {
  return _mm256_mulhrs_epi16(words, _mm256_set1_epi16(weight));
}

// Returns 32 bytes of one color: sixteen pixels of luma in each, and in_order() a color for two
// pixels.
AVX2 __m256i color(__m256i first, __m256i second, __m256i difference) {
  const __m256i low = _mm256_add_epi16(first, _mm256_unpacklo_epi16(difference, difference));
  const __m256i high = _mm256_add_epi16(second, _mm256_unpackhi_epi16(difference, difference));
  return in_order(_mm256_packus_epi16(_mm256_srai_epi16(low, kYuvOutputShift),
                                      _mm256_srai_epi16(high, kYuvOutputShift)));
}

AVX2 void convert_yuv(const std::uint8_t* luma, const ChromaRow& chroma, int count,
                      const YuvWeights& weights, const ColorRows& output) {
  const __m256i half = _mm256_set1_epi16(kYuvHalf);
  int x = 0;
  // Pairs are read whole: at least one pixel is left over, so that the last pair is inside.
  for (; x + 32 < count; x += 32) {
    const ChromaRow samples = chroma.from(x);
    const __m256i u = in_order(centered(load_samples(samples.u, samples.step), 128));
    const __m256i v = in_order(centered(load_samples(samples.v, samples.step), 128));
    const __m256i low = centered(_mm256_cvtepu8_epi16(load_half(luma + x)), weights.black);
    const __m256i high = centered(_mm256_cvtepu8_epi16(load_half(luma + x + 16)), weights.black);
    const __m256i first = _mm256_add_epi16(times(low, weights.luma), half);
    const __m256i second = _mm256_add_epi16(times(high, weights.luma), half);
    const __m256i green =
        _mm256_add_epi16(times(u, weights.u_to_green), times(v, weights.v_to_green));
    store(output.row(0) + x, color(first, second, times(v, weights.v_to_red)));
    store(output.row(1) + x, color(first, second, green));
    store(output.row(2) + x, color(first, second, times(u, weights.u_to_blue)));
  }
  sse41_kernels()->convert_yuv(luma + x, chroma.from(x), count - x, weights, output.from(x));
}

void separate(const std::uint8_t* pixels, int count, const PackedPixel& pixel,
              const ColorRows& output) {
  sse41_kernels()->separate(pixels, count, pixel, output);
}

// The taps of one output.
struct Taps {
  std::ptrdiff_t start;
  WeightHalves weights;
  int count;
};

Taps taps_of(const AxisFilter& filter, int i) {
  return {filter.start(i) - filter.source_first(), filter.halves(i), filter.taps(i)};
}

// Returns eight partial sums of one color.
AVX2_INLINE __m256i partial_sums(const Taps& taps, const std::uint8_t* row) {
  const std::uint8_t* bytes = row + taps.start;
  __m256i words = _mm256_cvtepu8_epi16(load_half(bytes));
  __m256i upper = _mm256_madd_epi16(words, load(taps.weights.upper));
  __m256i lower = _mm256_madd_epi16(words, load(taps.weights.lower));
  for (int k = 16; k < taps.count; k += 16) {
    words = _mm256_cvtepu8_epi16(load_half(bytes + k));
    upper = _mm256_add_epi32(upper, _mm256_madd_epi16(words, load(taps.weights.upper + k)));
    lower = _mm256_add_epi32(lower, _mm256_madd_epi16(words, load(taps.weights.lower + k)));
  }
  return _mm256_add_epi32(_mm256_slli_epi32(upper, kLowerBits), lower);
}

// Adds elements that are two apart, of both vectors in turn.
AVX2_INLINE __m256i add_across(__m256i a, __m256i b) {
  return _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}

// Returns four outputs of one color, not yet as bytes.
AVX2_INLINE __m128i four_outputs(const Taps (&taps)[4], const std::uint8_t* row) {
  const __m256i first = add_across(partial_sums(taps[0], row), partial_sums(taps[1], row));
  const __m256i last = add_across(partial_sums(taps[2], row), partial_sums(taps[3], row));
  const __m256i sums =
      _mm256_add_epi32(_mm256_unpacklo_epi64(first, last), _mm256_unpackhi_epi64(first, last));
  const __m128i sum =
      _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kFractionBits);
}

AVX2 void resample_row(const AxisFilter& filter, const ConstColorRows& row, std::uint8_t* output) {
  const __m128i order = _mm_setr_epi8(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1);
  const int count = filter.crop().count;
  int i = 0;
  for (; i + 4 <= count; i += 4, output += 12) {
    const Taps taps[4] = {taps_of(filter, i), taps_of(filter, i + 1), taps_of(filter, i + 2),
                          taps_of(filter, i + 3)};
    const __m128i red = four_outputs(taps, row.row(0));
    const __m128i green = four_outputs(taps, row.row(1));
    const __m128i blue = four_outputs(taps, row.row(2));
    const __m128i bytes =
        _mm_packus_epi16(_mm_packs_epi32(red, green), _mm_packs_epi32(blue, blue));
    alignas(16) std::uint8_t rgb[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(rgb), _mm_shuffle_epi8(bytes, order));
    std::memcpy(output, rgb, 12);
  }
  for (; i < count; ++i, output += 3) resample_pixel(filter, i, row, output);
}

AVX2 __m256i load_eight(const std::uint8_t* bytes) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
}

AVX2 void resample_column(const ColumnTaps& taps, std::size_t bytes, std::uint8_t* output) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  std::size_t x = 0;
  for (; x + 32 <= bytes; x += 32) {
    __m256i sums[4];
    for (__m256i& sum : sums) sum = _mm256_set1_epi32(kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const std::uint8_t* row = taps.rows[k] + x;
      const __m256i weight = _mm256_set1_epi32(taps.weights[k]);
      for (int part = 0; part < 4; ++part) {
        sums[part] =
            _mm256_add_epi32(sums[part], _mm256_mullo_epi32(load_eight(row + 8 * part), weight));
      }
    }
    for (__m256i& sum : sums) sum = _mm256_srai_epi32(sum, kFractionBits);
    const __m256i packed = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]),
                                               _mm256_packs_epi32(sums[2], sums[3]));
    store(output + x, _mm256_permutevar8x32_epi32(packed, order));
  }
  for (; x < bytes; ++x) output[x] = resample_byte(taps, x);
}

bool runs_here() { return x86_cpu().avx2; }

}  // namespace

const PixelKernels* avx2_kernels() {
  static constexpr PixelKernels kKernels = {"avx2",    &runs_here,    &convert_yuv,
                                            &separate, &resample_row, &resample_column};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::PixelKernels* hvit_edge::avx2_kernels() { return nullptr; }

#endif
