// ChaCha20 with AVX-512: sixteen blocks at a time, and a rotation in one instruction.
#include "compat/afalg/x86/chacha.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_AVX512
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::avx512 {
namespace {

struct Vec {
  static constexpr size_t kWords = 16;
  __m512i v;

  LXNET_VEC static Vec all(uint32_t word) { return {_mm512_set1_epi32(static_cast<int>(word))}; }
  LXNET_VEC static Vec numbers() { return {_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)}; }
  // One row of four words, for each block.
  LXNET_VEC static Vec row(const uint32_t* words) {
    return {_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)))};
  }
  LXNET_VEC static Vec row_numbers() { return {_mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0)}; }
  LXNET_VEC static Vec load(const uint8_t* from) { return {_mm512_loadu_si512(from)}; }
  LXNET_VEC void store(uint8_t* to) const { _mm512_storeu_si512(to, v); }

  LXNET_VEC Vec operator+(Vec other) const { return {_mm512_add_epi32(v, other.v)}; }
  LXNET_VEC Vec operator^(Vec other) const { return {_mm512_xor_si512(v, other.v)}; }
  template <int kBits>
  LXNET_VEC Vec rotated() const {
    return {_mm512_rol_epi32(v, kBits)};
  }
  template <int kPlaces>
  LXNET_VEC Vec moved_left() const {
    constexpr int kOrder[] = {0, 0x39, 0x4e, 0x93};
    return {_mm512_shuffle_epi32(v, static_cast<_MM_PERM_ENUM>(kOrder[kPlaces]))};
  }
  LXNET_VEC Vec low_words(Vec other) const { return {_mm512_unpacklo_epi32(v, other.v)}; }
  LXNET_VEC Vec high_words(Vec other) const { return {_mm512_unpackhi_epi32(v, other.v)}; }
  LXNET_VEC Vec low_pairs(Vec other) const { return {_mm512_unpacklo_epi64(v, other.v)}; }
  LXNET_VEC Vec high_pairs(Vec other) const { return {_mm512_unpackhi_epi64(v, other.v)}; }

  // Each register has 16 bytes of four blocks, each four blocks after the other. Afterwards each is one of them, which stand at
  // kParts.
  static constexpr size_t kParts[4] = {0, 256, 512, 768};
  LXNET_VEC static void join_blocks(Vec& a, Vec& b, Vec& c, Vec& d) {
    const __m512i ab_low = _mm512_shuffle_i32x4(a.v, b.v, 0x44), ab_high = _mm512_shuffle_i32x4(a.v, b.v, 0xee);
    const __m512i cd_low = _mm512_shuffle_i32x4(c.v, d.v, 0x44), cd_high = _mm512_shuffle_i32x4(c.v, d.v, 0xee);
    a.v = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
    b.v = _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd);
    c.v = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
    d.v = _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd);
  }
};

}  // namespace

#include "compat/afalg/x86/chacha.inc"

}  // namespace lxnet::x86::avx512
