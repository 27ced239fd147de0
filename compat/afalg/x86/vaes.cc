// AES with VAES, VPCLMULQDQ and AVX-512: four blocks in a register, a mask for what does not fill one.
#include "compat/afalg/x86/aes.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_VAES
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::vaes {
namespace {

struct Vec {
  static constexpr size_t kBlocks = 4;
  __m512i v;

  LXNET_VEC static __mmask64 first_bytes(size_t size) { return ~uint64_t{0} >> (64 - size); }
  LXNET_VEC static Vec load(const uint8_t* from) { return {_mm512_loadu_si512(from)}; }
  LXNET_VEC void store(uint8_t* to) const { _mm512_storeu_si512(to, v); }
  // Zeros behind the bytes that there are, of which there is at least one.
  LXNET_VEC static Vec load_part(const uint8_t* from, size_t size) { return {_mm512_maskz_loadu_epi8(first_bytes(size), from)}; }
  LXNET_VEC void store_part(uint8_t* to, size_t size) const { _mm512_mask_storeu_epi8(to, first_bytes(size), v); }
  LXNET_VEC Vec cut_to(size_t size) const { return {_mm512_maskz_mov_epi8(first_bytes(size), v)}; }
  LXNET_VEC static Vec zero() { return {_mm512_setzero_si512()}; }
  LXNET_VEC static Vec broadcast(const uint8_t* block) {
    return {_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block)))};
  }
  LXNET_VEC static Vec first_block(const uint8_t* block) {
    return {_mm512_zextsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block)))};
  }

  LXNET_VEC Vec operator^(Vec other) const { return {_mm512_xor_si512(v, other.v)}; }
  LXNET_VEC Vec encrypt_round(Vec key) const { return {_mm512_aesenc_epi128(v, key.v)}; }
  LXNET_VEC Vec encrypt_last(Vec key) const { return {_mm512_aesenclast_epi128(v, key.v)}; }
  LXNET_VEC Vec decrypt_round(Vec key) const { return {_mm512_aesdec_epi128(v, key.v)}; }
  LXNET_VEC Vec decrypt_last(Vec key) const { return {_mm512_aesdeclast_epi128(v, key.v)}; }

  // The blocks one before those of `now`: the last of `before`, then the first three of `now`.
  LXNET_VEC static Vec moved_by_a_block(Vec before, Vec now) { return {_mm512_alignr_epi64(now.v, before.v, 6)}; }

  // Counters with the machine's own order of bytes.
  LXNET_VEC static Vec counting_from(uint64_t low, uint64_t high) {
    const __m128i first = _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
    return Vec{_mm512_broadcast_i32x4(first)}.plus32({_mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0)});
  }
  LXNET_VEC static Vec advance64() { return {_mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4)}; }
  LXNET_VEC static Vec advance32() { return advance64(); }
  LXNET_VEC Vec plus64(Vec other) const { return {_mm512_add_epi64(v, other.v)}; }
  LXNET_VEC Vec plus32(Vec other) const { return {_mm512_add_epi32(v, other.v)}; }
  LXNET_VEC Vec swapped() const {
    const __m128i reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return {_mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(reverse))};
  }

  // In XTS's field, times x^kPower: what leaves the upper half comes back as 0x87 times itself.
  template <int kPower>
  LXNET_VEC Vec times_x() const {
    const __m512i out = _mm512_srli_epi64(v, 64 - kPower);
    const __m512i back = _mm512_clmulepi64_epi128(out, _mm512_set_epi64(0, 0x87, 0, 0x87, 0, 0x87, 0, 0x87), 0x01);
    return {_mm512_slli_epi64(v, kPower) ^ _mm512_bslli_epi128(out, 8) ^ back};
  }

  template <int kHalves>
  LXNET_VEC Vec multiply(Vec other) const {
    return {_mm512_clmulepi64_epi128(v, other.v, kHalves)};
  }
  LXNET_VEC Vec halves_swapped() const { return {_mm512_shuffle_epi32(v, static_cast<_MM_PERM_ENUM>(0x4e))}; }
  LXNET_VEC static Vec ghash_polynomial() {
    return {_mm512_broadcast_i32x4(_mm_set_epi64x(static_cast<long long>(0xc200000000000000u), 1))};
  }
  LXNET_VEC Vec sum_of_blocks() const {
    const __m256i two = _mm512_castsi512_si256(v) ^ _mm512_extracti64x4_epi64(v, 1);
    return {_mm512_zextsi128_si512(_mm256_castsi256_si128(two) ^ _mm256_extracti128_si256(two, 1))};
  }
};

}  // namespace

// In this order.
// clang-format off
#include "compat/afalg/x86/aes_modes.inc"
#include "compat/afalg/x86/aes_xts.inc"
#include "compat/afalg/x86/aes_gcm.inc"
// clang-format on

}  // namespace lxnet::x86::vaes
