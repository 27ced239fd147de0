// AES with AES-NI, PCLMULQDQ and AVX's three operands: a block in a register.
#include "compat/afalg/x86/aes.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_AESNI
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::aesni {
namespace {

struct Vec {
  static constexpr size_t kBlocks = 1;
  __m128i v;

  LXNET_VEC static Vec load(const uint8_t* from) { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))}; }
  LXNET_VEC void store(uint8_t* to) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
  // Zeros behind the bytes that there are.
  LXNET_VEC static Vec load_part(const uint8_t* from, size_t size) {
    uint8_t block[kAesBlock] = {};
    memcpy(block, from, size);
    return load(block);
  }
  LXNET_VEC void store_part(uint8_t* to, size_t size) const {
    uint8_t block[kAesBlock];
    store(block);
    memcpy(to, block, size);
  }
  LXNET_VEC Vec cut_to(size_t size) const {
    uint8_t block[kAesBlock];
    store(block);
    return load_part(block, size);
  }
  LXNET_VEC static Vec zero() { return {_mm_setzero_si128()}; }
  LXNET_VEC static Vec broadcast(const uint8_t* block) { return load(block); }
  LXNET_VEC static Vec first_block(const uint8_t* block) { return load(block); }

  LXNET_VEC Vec operator^(Vec other) const { return {_mm_xor_si128(v, other.v)}; }
  LXNET_VEC Vec encrypt_round(Vec key) const { return {_mm_aesenc_si128(v, key.v)}; }
  LXNET_VEC Vec encrypt_last(Vec key) const { return {_mm_aesenclast_si128(v, key.v)}; }
  LXNET_VEC Vec decrypt_round(Vec key) const { return {_mm_aesdec_si128(v, key.v)}; }
  LXNET_VEC Vec decrypt_last(Vec key) const { return {_mm_aesdeclast_si128(v, key.v)}; }

  // The blocks one before those of `now`.
  LXNET_VEC static Vec moved_by_a_block(Vec before, Vec) { return before; }

  // Counters with the machine's own order of bytes.
  LXNET_VEC static Vec counting_from(uint64_t low, uint64_t high) {
    return {_mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low))};
  }
  LXNET_VEC static Vec advance64() { return {_mm_set_epi64x(0, 1)}; }
  LXNET_VEC static Vec advance32() { return {_mm_set_epi64x(0, 1)}; }
  LXNET_VEC Vec plus64(Vec other) const { return {_mm_add_epi64(v, other.v)}; }
  LXNET_VEC Vec plus32(Vec other) const { return {_mm_add_epi32(v, other.v)}; }
  LXNET_VEC Vec swapped() const {
    return {_mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))};
  }

  // In XTS's field, times x^kPower: what leaves the upper half comes back as 0x87 times itself.
  template <int kPower>
  LXNET_VEC Vec times_x() const {
    const __m128i out = _mm_srli_epi64(v, 64 - kPower);
    const __m128i back = _mm_clmulepi64_si128(out, _mm_set_epi64x(0, 0x87), 0x01);
    return {_mm_slli_epi64(v, kPower) ^ _mm_bslli_si128(out, 8) ^ back};
  }

  template <int kHalves>
  LXNET_VEC Vec multiply(Vec other) const {
    return {_mm_clmulepi64_si128(v, other.v, kHalves)};
  }
  LXNET_VEC Vec halves_swapped() const { return {_mm_shuffle_epi32(v, 0x4e)}; }
  LXNET_VEC static Vec ghash_polynomial() { return {_mm_set_epi64x(static_cast<long long>(0xc200000000000000u), 1)}; }
  LXNET_VEC Vec sum_of_blocks() const { return *this; }
};

}  // namespace

// In this order.
// clang-format off
#include "compat/afalg/x86/aes_modes.inc"
#include "compat/afalg/x86/aes_xts.inc"
#include "compat/afalg/x86/aes_gcm.inc"
// clang-format on

[[LXNET_TARGET_AESNI]] void cbc_encrypt(const AesKey& key, uint8_t* chain, uint8_t* to, const uint8_t* from, size_t blocks) {
  Vec v[1] = {Vec::load(chain)};
  for (size_t i = 0; i < blocks; ++i) {
    v[0] = v[0] ^ Vec::load(from + i * kAesBlock);
    encrypt_all(key, v);
    v[0].store(to + i * kAesBlock);
  }
  v[0].store(chain);
}

}  // namespace lxnet::x86::aesni
