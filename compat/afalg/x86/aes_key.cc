// Key schedules of AES and GHASH.
#include "base/bytes.hh"
#include "compat/afalg/x86/aes.hh"
#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

[[LXNET_TARGET_AESNI]] inline __m128i load(const uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
[[LXNET_TARGET_AESNI]] inline void store(uint8_t* to, __m128i block) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block); }

// FIPS 197's SubWord, by the instruction that has it beside other things; no table.
[[LXNET_TARGET_AESNI]] inline uint32_t substitute_word(uint32_t word) {
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(_mm_set1_epi32(static_cast<int>(word)), 0)));
}
constexpr uint32_t rotate_right(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

// The multiplications by x of the field's constants: 1, 2, 4, ... 0x80, 0x1b, 0x36.
constexpr uint32_t next_round_constant(uint32_t constant) { return (constant << 1 ^ (constant >> 7) * 0x11b) & 0xff; }

// GHASH's multiplication, of blocks with their bytes turned round where one factor has been multiplied by x.
[[LXNET_TARGET_AESNI]] inline __m128i multiply(__m128i a, __m128i b) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000u), 1);
  const __m128i low = _mm_clmulepi64_si128(a, b, 0x00);
  __m128i middle = _mm_clmulepi64_si128(a, b, 0x01) ^ _mm_clmulepi64_si128(a, b, 0x10);
  __m128i high = _mm_clmulepi64_si128(a, b, 0x11);
  middle ^= _mm_shuffle_epi32(low, 0x4e) ^ _mm_clmulepi64_si128(polynomial, low, 0x01);
  high ^= _mm_shuffle_epi32(middle, 0x4e) ^ _mm_clmulepi64_si128(polynomial, middle, 0x01);
  return high;
}

}  // namespace

[[LXNET_TARGET_AESNI]] bool expand_aes_key(AesKey& key, const uint8_t* bytes, size_t size) {
  if (size != 16 && size != 24 && size != 32) return false;
  const size_t key_words = size / 4;
  key.rounds = static_cast<unsigned>(key_words) + 6;
  uint32_t words[4 * (kMaxAesRounds + 1)];
  memcpy(words, bytes, size);
  uint32_t constant = 1;
  for (size_t i = key_words; i < 4 * (key.rounds + 1); ++i) {
    uint32_t word = words[i - 1];
    if (i % key_words == 0) {
      word = rotate_right(substitute_word(word), 8) ^ constant;
      constant = next_round_constant(constant);
    } else if (key_words == 8 && i % 8 == 4) {
      word = substitute_word(word);
    }
    words[i] = words[i - key_words] ^ word;
  }
  memcpy(key.encrypt, words, 16 * (key.rounds + 1));
  wipe(words, sizeof words);
  for (unsigned round = 0; round <= key.rounds; ++round) {
    const __m128i from = load(key.encrypt[key.rounds - round]);
    store(key.decrypt[round], round == 0 || round == key.rounds ? from : _mm_aesimc_si128(from));
  }
  return true;
}

[[LXNET_TARGET_AESNI]] void expand_ghash_key(GhashKey& key, const uint8_t* hash_key) {
  uint64_t high, low;
  memcpy(&high, hash_key, 8);
  memcpy(&low, hash_key + 8, 8);
  high = __builtin_bswap64(high);
  low = __builtin_bswap64(low);
  // Times x: bits are in reverse order, so it is a shift to the left, and what falls out comes back as the polynomial.
  const uint64_t carry = 0 - (high >> 63);
  high = (high << 1 | low >> 63) ^ (carry & 0xc200000000000000u);
  low = low << 1 ^ (carry & 1);
  const __m128i first = _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  memset(&key, 0, sizeof key);
  __m128i power = first;
  for (size_t i = kGhashPowers; i-- > 0; power = multiply(power, first)) store(key.powers[i], power);
}

bool expand_gcm_key(GcmKey& key, const uint8_t* bytes, size_t size) {
  if (!expand_aes_key(key.aes, bytes, size)) return false;
  uint8_t hash_key[kAesBlock] = {};
  aesni::encrypt_blocks(key.aes, hash_key, hash_key, 1);
  expand_ghash_key(key.ghash, hash_key);
  wipe(hash_key, sizeof hash_key);
  return true;
}

}  // namespace lxnet::x86
