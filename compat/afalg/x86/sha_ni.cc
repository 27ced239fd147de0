// SHA-1 and SHA-256 with the SHA instructions, four rounds at a time.
#include "compat/afalg/x86/sha.hh"
#include "compat/afalg/x86/sha_constants.hh"
#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

#define LXNET_SHA_INLINE [[LXNET_TARGET_SHA, gnu::always_inline]] inline

LXNET_SHA_INLINE __m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
LXNET_SHA_INLINE void store(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }

// ---- SHA-1: registers hold A in their highest word.

struct Sha1 {
  __m128i abcd;
  __m128i before;  // four rounds ago: its A, rotated, is what E will be
  __m128i message[4];

  // The rounds 4 * kGroup to 4 * kGroup + 3 with the next four words of the schedule.
  template <int kGroup>
  LXNET_SHA_INLINE void rounds(const uint8_t* block) {
    __m128i& words = message[kGroup % 4];
    if constexpr (kGroup < 4) {
      const __m128i reverse = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
      words = _mm_shuffle_epi8(load(block + 16 * kGroup), reverse);
    } else {
      const __m128i partial = _mm_sha1msg1_epu32(words, message[(kGroup + 1) % 4]) ^ message[(kGroup + 2) % 4];
      words = _mm_sha1msg2_epu32(partial, message[(kGroup + 3) % 4]);
    }
    const __m128i added = kGroup == 0 ? _mm_add_epi32(before, words) : _mm_sha1nexte_epu32(before, words);
    before = abcd;
    abcd = _mm_sha1rnds4_epu32(abcd, added, kGroup / 5);
  }
  template <int kFirst>
  LXNET_SHA_INLINE void five_groups(const uint8_t* block) {
    rounds<kFirst>(block);
    rounds<kFirst + 1>(block);
    rounds<kFirst + 2>(block);
    rounds<kFirst + 3>(block);
    rounds<kFirst + 4>(block);
  }
};

// ---- SHA-256: the eight words as the instructions want them, in two registers.

struct Sha256 {
  __m128i abef, cdgh;
  __m128i message[4];

  template <int kGroup>
  LXNET_SHA_INLINE void rounds(const uint8_t* block) {
    __m128i& words = message[kGroup % 4];
    if constexpr (kGroup < 4) {
      const __m128i reverse = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
      words = _mm_shuffle_epi8(load(block + 16 * kGroup), reverse);
    } else {
      const __m128i newest = message[(kGroup + 3) % 4];
      const __m128i partial = _mm_sha256msg1_epu32(words, message[(kGroup + 1) % 4]);
      words = _mm_sha256msg2_epu32(_mm_add_epi32(partial, _mm_alignr_epi8(newest, message[(kGroup + 2) % 4], 4)), newest);
    }
    const __m128i added = _mm_add_epi32(words, load(&kSha256Rounds[4 * kGroup]));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
  }
  template <int kFirst>
  LXNET_SHA_INLINE void four_groups(const uint8_t* block) {
    rounds<kFirst>(block);
    rounds<kFirst + 1>(block);
    rounds<kFirst + 2>(block);
    rounds<kFirst + 3>(block);
  }
};

}  // namespace

[[LXNET_TARGET_SHA]] void sha1_blocks(uint32_t (&state)[5], const uint8_t* from, size_t blocks) {
  Sha1 sha;
  sha.abcd = _mm_shuffle_epi32(load(state), 0x1b);
  __m128i e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
  for (; blocks > 0; --blocks, from += 64) {
    const __m128i abcd_then = sha.abcd;
    sha.before = e;
    sha.five_groups<0>(from);
    sha.five_groups<5>(from);
    sha.five_groups<10>(from);
    sha.five_groups<15>(from);
    e = _mm_sha1nexte_epu32(sha.before, e);
    sha.abcd = _mm_add_epi32(sha.abcd, abcd_then);
  }
  store(state, _mm_shuffle_epi32(sha.abcd, 0x1b));
  state[4] = static_cast<uint32_t>(_mm_extract_epi32(e, 3));
}

[[LXNET_TARGET_SHA]] void sha256_blocks(uint32_t (&state)[8], const uint8_t* from, size_t blocks) {
  // From a b c d, e f g h and back: a is the highest word of the first register.
  const __m128i badc = _mm_shuffle_epi32(load(state), 0xb1), hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
  Sha256 sha;
  sha.abef = _mm_alignr_epi8(badc, hgfe, 8);
  sha.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; blocks > 0; --blocks, from += 64) {
    const __m128i abef = sha.abef, cdgh = sha.cdgh;
    sha.four_groups<0>(from);
    sha.four_groups<4>(from);
    sha.four_groups<8>(from);
    sha.four_groups<12>(from);
    sha.abef = _mm_add_epi32(sha.abef, abef);
    sha.cdgh = _mm_add_epi32(sha.cdgh, cdgh);
  }
  const __m128i feba = _mm_shuffle_epi32(sha.abef, 0x1b), dchg = _mm_shuffle_epi32(sha.cdgh, 0xb1);
  store(state, _mm_blend_epi16(feba, dchg, 0xf0));
  store(state + 4, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace lxnet::x86
