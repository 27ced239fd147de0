// SipHash (Aumasson, Bernstein 2012): a keyed hash that who does not know the key cannot steer.
//
// SipHash-2-4 where the value itself must not be guessed (sequence numbers, cookies, identifications); SipHash-1-3 for hash
// tables, where only collisions matter.
#pragma once

#include <bit>

#include "base/bytes.hh"

namespace lxnet {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

namespace internal {

struct SipState {
  uint64_t v0, v1, v2, v3;

  explicit SipState(const SipKey& key)
      : v0(key.k0 ^ 0x736f'6d65'7073'6575),
        v1(key.k1 ^ 0x646f'7261'6e64'6f6d),
        v2(key.k0 ^ 0x6c79'6765'6e65'7261),
        v3(key.k1 ^ 0x7465'6462'7974'6573) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  template <int kRounds>
  void absorb(uint64_t word) {
    v3 ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0 ^= word;
  }
  template <int kRounds>
  uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < kRounds; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

// The last bytes, eight or fewer, as the little-endian word that they are.
inline uint64_t sip_word(const uint8_t* bytes, size_t size) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    memcpy(&word, bytes, size);
  } else {
    for (size_t i = 0; i < size; ++i) word |= uint64_t{bytes[i]} << (8 * i);
  }
  return word;
}

// Of so few bytes that the compiler writes the rounds out one after the other.
template <int kCompression, int kFinalisation, size_t kSize>
[[gnu::always_inline]] inline uint64_t siphash_of(const SipKey& key, const uint8_t* bytes) {
  SipState state(key);
  for (size_t at = 0; at + 8 <= kSize; at += 8) state.absorb<kCompression>(sip_word(bytes + at, 8));
  state.absorb<kCompression>(sip_word(bytes + kSize / 8 * 8, kSize % 8) | uint64_t{kSize} << 56);
  return state.finish<kFinalisation>();
}
inline constexpr size_t kSipInline = 48;

}  // namespace internal

uint64_t siphash_2_4(const SipKey& key, ByteSpan bytes);
uint64_t siphash_1_3(const SipKey& key, ByteSpan bytes);

// Of a value without padding bytes.
template <typename T>
uint64_t siphash_1_3(const SipKey& key, const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  if constexpr (sizeof(T) > internal::kSipInline) return siphash_1_3(key, bytes_of(value));
  return internal::siphash_of<1, 3, sizeof(T)>(key, reinterpret_cast<const uint8_t*>(&value));
}
template <typename T>
uint64_t siphash_2_4(const SipKey& key, const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  if constexpr (sizeof(T) > internal::kSipInline / 2) return siphash_2_4(key, bytes_of(value));
  return internal::siphash_of<2, 4, sizeof(T)>(key, reinterpret_cast<const uint8_t*>(&value));
}

}  // namespace lxnet
