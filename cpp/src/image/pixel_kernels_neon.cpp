// Pixel loops for 64-bit Arm, all of which have NEON.
#include "image/pixel_kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

namespace hvit_edge {
namespace {

int16x8_t widened(uint8x8_t bytes) { return vreinterpretq_s16_u16(vmovl_u8(bytes)); }

// Loads eight samples; samples in pairs are every second byte.
int16x8_t load_samples(const std::uint8_t* samples, int step) {
  if (step == 2) {
    const uint16x8_t pairs = vreinterpretq_u16_u8(vld1q_u8(samples));
    return vreinterpretq_s16_u16(vandq_u16(pairs, vdupq_n_u16(0xFF)));
  }
  return widened(vld1_u8(samples));
}

int16x8_t centered(int16x8_t words, std::int16_t black) {
  return vshlq_n_s16(vsubq_s16(words, vdupq_n_s16(black)), kYuvInputShift);
}

int16x8_t times(int16x8_t words, std::int16_t weight) {
  return vqrdmulhq_s16(words, vdupq_n_s16(weight));
}

// Returns sixteen bytes of one color: eight pixels of luma in each, and a color for two pixels.
uint8x16_t color(int16x8_t first, int16x8_t second, int16x8_t difference) {
  const int16x8_t low = vaddq_s16(first, vzip1q_s16(difference, difference));
  const int16x8_t high = vaddq_s16(second, vzip2q_s16(difference, difference));
  return vcombine_u8(vqmovun_s16(vshrq_n_s16(low, kYuvOutputShift)),
                     vqmovun_s16(vshrq_n_s16(high, kYuvOutputShift)));
}

void convert_yuv(const std::uint8_t* luma, const ChromaRow& chroma, int count,
                 const YuvWeights& weights, const ColorRows& output) {
  const int16x8_t half = vdupq_n_s16(kYuvHalf);
  int x = 0;
  // Pairs are read whole: at least one pixel is left over, so that the last pair is inside.
  for (; x + 16 < count; x += 16) {
    const ChromaRow samples = chroma.from(x);
    const int16x8_t u = centered(load_samples(samples.u, samples.step), 128);
    const int16x8_t v = centered(load_samples(samples.v, samples.step), 128);
    const int16x8_t low = centered(widened(vld1_u8(luma + x)), weights.black);
    const int16x8_t high = centered(widened(vld1_u8(luma + x + 8)), weights.black);
    const int16x8_t first = vaddq_s16(times(low, weights.luma), half);
    const int16x8_t second = vaddq_s16(times(high, weights.luma), half);
    const int16x8_t green = vaddq_s16(times(u, weights.u_to_green), times(v, weights.v_to_green));
    vst1q_u8(output.row(0) + x, color(first, second, times(v, weights.v_to_red)));
    vst1q_u8(output.row(1) + x, color(first, second, green));
    vst1q_u8(output.row(2) + x, color(first, second, times(u, weights.u_to_blue)));
  }
  scalar_kernels().convert_yuv(luma + x, chroma.from(x), count - x, weights, output.from(x));
}

void separate(const std::uint8_t* pixels, int count, const PackedPixel& pixel,
              const ColorRows& output) {
  int x = 0;
  for (; x + 16 <= count; x += 16, pixels += 16 * pixel.bytes) {
    uint8x16x3_t colors;
    if (pixel.bytes == 3) {
      colors = vld3q_u8(pixels);
    } else {
      const uint8x16x4_t four = vld4q_u8(pixels);
      colors = {{four.val[0], four.val[1], four.val[2]}};
    }
    vst1q_u8(output.row(pixel.red) + x, colors.val[0]);
    vst1q_u8(output.row(1) + x, colors.val[1]);
    vst1q_u8(output.row(2 - pixel.red) + x, colors.val[2]);
  }
  scalar_kernels().separate(pixels, count - x, pixel, output.from(x));
}

// The partial sums of one color.
struct Sums {
  int32x4_t low = vdupq_n_s32(0);
  int32x4_t high = vdupq_n_s32(0);

  void add(const std::uint8_t* bytes, int32x4_t first, int32x4_t second) {
    const int16x8_t eight = widened(vld1_u8(bytes));
    low = vmlaq_s32(low, vmovl_s16(vget_low_s16(eight)), first);
    high = vmlaq_s32(high, vmovl_high_s16(eight), second);
  }

  int32x4_t both() const { return vaddq_s32(low, high); }
};

void resample_row(const AxisFilter& filter, const ConstColorRows& row, std::uint8_t* output) {
  const int count = filter.crop().count;
  for (int i = 0; i < count; ++i, output += 3) {
    const ConstColorRows bytes = row.from(filter.start(i) - filter.source_first());
    const std::int32_t* weights = filter.weights(i);
    const int taps = filter.taps(i);
    Sums red;
    Sums green;
    Sums blue;
    for (int k = 0; k < taps; k += 8) {
      const int32x4_t first = vld1q_s32(weights + k);
      const int32x4_t second = vld1q_s32(weights + k + 4);
      red.add(bytes.row(0) + k, first, second);
      green.add(bytes.row(1) + k, first, second);
      blue.add(bytes.row(2) + k, first, second);
    }
    const int32x4_t two = vpaddq_s32(red.both(), green.both());
    const int32x4_t one = vpaddq_s32(blue.both(), vdupq_n_s32(0));
    const int32x4_t sums = vaddq_s32(vpaddq_s32(two, one), vdupq_n_s32(kHalf));
    const int16x4_t words = vqmovn_s32(vshrq_n_s32(sums, kFractionBits));
    const uint8x8_t rgb = vqmovun_s16(vcombine_s16(words, words));
    const std::uint32_t packed = vget_lane_u32(vreinterpret_u32_u8(rgb), 0);
    std::memcpy(output, &packed, 3);
  }
}

void resample_column(const ColumnTaps& taps, std::size_t bytes, std::uint8_t* output) {
  std::size_t x = 0;
  for (; x + 16 <= bytes; x += 16) {
    int32x4_t sums[4];
    for (int32x4_t& sum : sums) sum = vdupq_n_s32(kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const uint8x16_t row = vld1q_u8(taps.rows[k] + x);
      const std::int32_t weight = taps.weights[k];
      const int16x8_t low = widened(vget_low_u8(row));
      const int16x8_t high = widened(vget_high_u8(row));
      sums[0] = vmlaq_n_s32(sums[0], vmovl_s16(vget_low_s16(low)), weight);
      sums[1] = vmlaq_n_s32(sums[1], vmovl_high_s16(low), weight);
      sums[2] = vmlaq_n_s32(sums[2], vmovl_s16(vget_low_s16(high)), weight);
      sums[3] = vmlaq_n_s32(sums[3], vmovl_high_s16(high), weight);
    }
    int16x4_t words[4];
    for (int part = 0; part < 4; ++part) {
      words[part] = vqmovn_s32(vshrq_n_s32(sums[part], kFractionBits));
    }
    vst1q_u8(output + x, vcombine_u8(vqmovun_s16(vcombine_s16(words[0], words[1])),
                                     vqmovun_s16(vcombine_s16(words[2], words[3]))));
  }
  for (; x < bytes; ++x) output[x] = resample_byte(taps, x);
}

bool runs_here() { return true; }

}  // namespace

const PixelKernels* neon_kernels() {
  static constexpr PixelKernels kKernels = {"neon",    &runs_here,    &convert_yuv,
                                            &separate, &resample_row, &resample_column};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::PixelKernels* hvit_edge::neon_kernels() { return nullptr; }

#endif
