// The loop of masks for x86 with AVX2, asked for as in image/pixel_kernels_sse41.cpp.
#include "tasks/mask_kernels.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#include "x86_cpu.h"

#define AVX2 __attribute__((target("avx2")))

namespace hvit_edge {
namespace {

AVX2 __m256 value_of(const Contenders& contenders, int i, __m256 weight) {
  return _mm256_add_ps(_mm256_set1_ps(contenders.values[i]),
                       _mm256_mul_ps(weight, _mm256_set1_ps(contenders.steps[i])));
}

AVX2 void largest(const Contenders& contenders, const float* weights, int pixels,
                  std::uint8_t* output) {
  int x = 0;
  for (; x + 8 <= pixels; x += 8) {
    const __m256 weight = _mm256_loadu_ps(weights + x);
    __m256 most = value_of(contenders, 0, weight);
    __m256i best = _mm256_set1_epi32(contenders.classes[0]);
    for (int i = 1; i < contenders.count; ++i) {
      const __m256 value = value_of(contenders, i, weight);
      const __m256 larger = _mm256_cmp_ps(value, most, _CMP_GT_OQ);
      most = _mm256_max_ps(value, most);
      best = _mm256_blendv_epi8(best, _mm256_set1_epi32(contenders.classes[i]),
                                _mm256_castps_si256(larger));
    }
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(best), _mm256_extracti128_si256(best, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(output + x), _mm_packus_epi16(words, words));
  }
  for (; x < pixels; ++x) output[x] = contenders.largest(weights[x]);
}

bool runs_here() { return x86_cpu().avx2; }

}  // namespace

const MaskKernels* avx2_mask_kernels() {
  static constexpr MaskKernels kKernels = {"avx2", &runs_here, &largest};
  return &kKernels;
}

}  // namespace hvit_edge

#else

const hvit_edge::MaskKernels* hvit_edge::avx2_mask_kernels() { return nullptr; }

#endif
