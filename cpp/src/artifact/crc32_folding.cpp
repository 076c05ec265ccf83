// CRC-32 by carry-less products, for x86. The instructions are enabled as in
// pixel_kernels_sse41.cpp.
//
// Method and constants: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction", Intel 2009, for the reflected polynomial 0xEDB88320.
#include "artifact/crc32_folding.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "x86_cpu.h"

#define FOLDING __attribute__((target("pclmul,sse4.1")))

namespace hvit_edge {
namespace {

// Powers of x modulo the polynomial; a product with them moves a lane ahead by so many bits.
constexpr long long kBy512[2] = {0x154442bd4, 0x1c6e41596};
constexpr long long kBy128[2] = {0x1751997d0, 0x0ccaa009e};
constexpr long long kBy64 = 0x163cd6124;
// the polynomial, and its reciprocal
constexpr long long kPolynomial[2] = {0x1db710641, 0x1f7011641};

FOLDING inline __m128i load(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

// Moves `lane` ahead and combines it with `there`.
FOLDING inline __m128i fold(__m128i lane, __m128i powers, __m128i there) {
  const __m128i low = _mm_clmulepi64_si128(lane, powers, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

FOLDING std::uint32_t reduce(__m128i lane) {
  const __m128i powers = _mm_set_epi64x(kBy128[1], kBy128[0]);
  const __m128i words = _mm_setr_epi32(-1, 0, -1, 0);
  lane = _mm_xor_si128(_mm_srli_si128(lane, 8), _mm_clmulepi64_si128(lane, powers, 0x10));
  const __m128i low = _mm_clmulepi64_si128(_mm_and_si128(lane, words), _mm_set_epi64x(0, kBy64), 0);
  lane = _mm_xor_si128(_mm_srli_si128(lane, 4), low);
  const __m128i polynomial = _mm_set_epi64x(kPolynomial[1], kPolynomial[0]);  // Barrett reduction
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(lane, words), polynomial, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, words), polynomial, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(lane, quotient), 1));
}

}  // namespace

bool can_fold_crc32() { return x86_cpu().pclmul && x86_cpu().sse41; }

FOLDING std::uint32_t fold_crc32(std::uint32_t crc, const std::uint8_t* bytes, std::size_t size) {
  __m128i lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = load(bytes + 16 * i);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(crc)));
  const __m128i by_512 = _mm_set_epi64x(kBy512[1], kBy512[0]);
  for (bytes += 64, size -= 64; size >= 64; bytes += 64, size -= 64) {
    for (int i = 0; i < 4; ++i) lanes[i] = fold(lanes[i], by_512, load(bytes + 16 * i));
  }
  const __m128i by_128 = _mm_set_epi64x(kBy128[1], kBy128[0]);
  for (int i = 1; i < 4; ++i) lanes[i] = fold(lanes[i - 1], by_128, lanes[i]);
  return reduce(lanes[3]);
}

}  // namespace hvit_edge

#else

namespace hvit_edge {

bool can_fold_crc32() { return false; }

std::uint32_t fold_crc32(std::uint32_t crc, const std::uint8_t*, std::size_t) { return crc; }

}  // namespace hvit_edge

#endif
