// SHA-512: the schedule four words at a time in AVX2's registers, the rounds with BMI2's rotations, sixteen rounds after each
// other so that both run side by side.
#include "compat/afalg/x86/sha.hh"
#include "compat/afalg/x86/sha_constants.hh"
#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

#define LXNET_SHA_INLINE [[LXNET_TARGET_SHA512, gnu::always_inline]] inline

LXNET_SHA_INLINE __m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
constexpr uint64_t rotate(uint64_t word, int bits) { return word >> bits | word << (64 - bits); }

template <int kBits>
LXNET_SHA_INLINE __m256i rotate_all(__m256i words) {
  return _mm256_srli_epi64(words, kBits) | _mm256_slli_epi64(words, 64 - kBits);
}
LXNET_SHA_INLINE __m256i small_sigma0(__m256i words) {
  return rotate_all<1>(words) ^ rotate_all<8>(words) ^ _mm256_srli_epi64(words, 7);
}
LXNET_SHA_INLINE __m256i small_sigma1(__m256i words) {
  return rotate_all<19>(words) ^ rotate_all<61>(words) ^ _mm256_srli_epi64(words, 6);
}
// The words one after those of `first`: its last three and the first of `second`.
LXNET_SHA_INLINE __m256i one_later(__m256i first, __m256i second) {
  return _mm256_alignr_epi8(_mm256_permute2x128_si256(first, second, 0x21), first, 8);
}

// W[t] to W[t+3] from the sixteen before them, oldest first. The last two wait for the first two; of
// zeros sigma makes zeros.
LXNET_SHA_INLINE __m256i next_words(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i partial = _mm256_add_epi64(_mm256_add_epi64(a, small_sigma0(one_later(a, b))), one_later(c, d));
  const __m256i newest_two = _mm256_permute2x128_si256(d, d, 0x81);
  const __m256i lower = _mm256_add_epi64(partial, small_sigma1(newest_two));
  const __m256i moved_up = _mm256_permute2x128_si256(lower, lower, 0x08);
  return _mm256_add_epi64(lower, small_sigma1(moved_up));
}

// The eight words; which is a and which is h moves on by one in each round.
struct Rounds {
  uint64_t s[8];
  template <int kRound>
  LXNET_SHA_INLINE void one(uint64_t word_and_constant) {
    uint64_t &a = s[(64 - kRound) % 8], &b = s[(65 - kRound) % 8], &c = s[(66 - kRound) % 8], &d = s[(67 - kRound) % 8];
    uint64_t &e = s[(68 - kRound) % 8], &f = s[(69 - kRound) % 8], &g = s[(70 - kRound) % 8], &h = s[(71 - kRound) % 8];
    h += word_and_constant + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + ((e & f) ^ (~e & g));
    d += h;
    h += (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & b) | (c & (a | b)));
  }
  template <int kFirst>
  LXNET_SHA_INLINE void four(const uint64_t* words) {
    one<kFirst>(words[0]);
    one<kFirst + 1>(words[1]);
    one<kFirst + 2>(words[2]);
    one<kFirst + 3>(words[3]);
  }
};

LXNET_SHA_INLINE void with_constants(uint64_t* to, __m256i words, const uint64_t* constants) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_add_epi64(words, load(constants)));
}

}  // namespace

[[LXNET_TARGET_SHA512]] void sha512_blocks(uint64_t (&state)[8], const uint8_t* from, size_t blocks) {
  const __m256i reverse = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
  alignas(32) uint64_t words[16];
  for (; blocks > 0; --blocks, from += 128) {
    Rounds rounds;
    for (size_t i = 0; i < 8; ++i) rounds.s[i] = state[i];
    __m256i w[4];
    LXNET_UNROLL for (size_t i = 0; i < 4; ++i) {
      w[i] = _mm256_shuffle_epi8(load(from + 32 * i), reverse);
      with_constants(words + 4 * i, w[i], &kSha512Rounds[4 * i]);
    }
    for (size_t next = 16; next < 80; next += 16) {
      const uint64_t* constants = &kSha512Rounds[next];
      rounds.four<0>(words);
      w[0] = next_words(w[0], w[1], w[2], w[3]);
      with_constants(words, w[0], constants);
      rounds.four<4>(words + 4);
      w[1] = next_words(w[1], w[2], w[3], w[0]);
      with_constants(words + 4, w[1], constants + 4);
      rounds.four<8>(words + 8);
      w[2] = next_words(w[2], w[3], w[0], w[1]);
      with_constants(words + 8, w[2], constants + 8);
      rounds.four<12>(words + 12);
      w[3] = next_words(w[3], w[0], w[1], w[2]);
      with_constants(words + 12, w[3], constants + 12);
    }
    rounds.four<0>(words);
    rounds.four<4>(words + 4);
    rounds.four<8>(words + 8);
    rounds.four<12>(words + 12);
    for (size_t i = 0; i < 8; ++i) state[i] += rounds.s[i];
  }
  wipe(words, sizeof words);
}

}  // namespace lxnet::x86
