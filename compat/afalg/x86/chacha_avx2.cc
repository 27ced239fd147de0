// ChaCha20 with AVX2: eight blocks at a time.
#include "compat/afalg/x86/chacha.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_AVX2
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::avx2 {
namespace {

struct Vec {
  static constexpr size_t kWords = 8;
  __m256i v;

  LXNET_VEC static Vec all(uint32_t word) { return {_mm256_set1_epi32(static_cast<int>(word))}; }
  LXNET_VEC static Vec numbers() { return {_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0)}; }
  // One row of four words, for each block.
  LXNET_VEC static Vec row(const uint32_t* words) {
    return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)))};
  }
  LXNET_VEC static Vec row_numbers() { return {_mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0)}; }
  LXNET_VEC static Vec load(const uint8_t* from) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))}; }
  LXNET_VEC void store(uint8_t* to) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }

  LXNET_VEC Vec operator+(Vec other) const { return {_mm256_add_epi32(v, other.v)}; }
  LXNET_VEC Vec operator^(Vec other) const { return {_mm256_xor_si256(v, other.v)}; }
  template <int kBits>
  LXNET_VEC Vec rotated() const {
    if constexpr (kBits == 16) {
      const __m128i order = _mm_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2);
      return {_mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(order))};
    } else if constexpr (kBits == 8) {
      const __m128i order = _mm_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
      return {_mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(order))};
    } else {
      return {_mm256_slli_epi32(v, kBits) | _mm256_srli_epi32(v, 32 - kBits)};
    }
  }
  template <int kPlaces>
  LXNET_VEC Vec moved_left() const {
    constexpr int kOrder[] = {0, 0x39, 0x4e, 0x93};
    return {_mm256_shuffle_epi32(v, kOrder[kPlaces])};
  }
  LXNET_VEC Vec low_words(Vec other) const { return {_mm256_unpacklo_epi32(v, other.v)}; }
  LXNET_VEC Vec high_words(Vec other) const { return {_mm256_unpackhi_epi32(v, other.v)}; }
  LXNET_VEC Vec low_pairs(Vec other) const { return {_mm256_unpacklo_epi64(v, other.v)}; }
  LXNET_VEC Vec high_pairs(Vec other) const { return {_mm256_unpackhi_epi64(v, other.v)}; }

  // Each register has 16 bytes of two blocks, the second four blocks further on. Afterwards each has 32 bytes of one of them,
  // which stand at kParts.
  static constexpr size_t kParts[4] = {0, 32, 256, 288};
  LXNET_VEC static void join_blocks(Vec& a, Vec& b, Vec& c, Vec& d) {
    const __m256i ab = _mm256_permute2x128_si256(a.v, b.v, 0x31), cd = _mm256_permute2x128_si256(c.v, d.v, 0x31);
    a.v = _mm256_permute2x128_si256(a.v, b.v, 0x20);
    b.v = _mm256_permute2x128_si256(c.v, d.v, 0x20);
    c.v = ab;
    d.v = cd;
  }
};

}  // namespace

#include "compat/afalg/x86/chacha.inc"

}  // namespace lxnet::x86::avx2
