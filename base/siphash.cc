// SipHash-c-d over bytes, as the paper's reference defines it.
#include "base/siphash.hh"

#include <bit>

namespace lxnet {

namespace {

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
};

uint64_t load_little(const uint8_t* bytes, size_t size) {
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) word |= uint64_t{bytes[i]} << (8 * i);
  return word;
}

uint64_t load_word(const uint8_t* bytes) {
  if constexpr (std::endian::native == std::endian::little) {
    uint64_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
  }
  return load_little(bytes, 8);
}

template <int kCompression, int kFinalisation>
uint64_t siphash(const SipKey& key, ByteSpan bytes) {
  SipState state(key);
  const auto absorb = [&](uint64_t word) {
    state.v3 ^= word;
    for (int i = 0; i < kCompression; ++i) state.round();
    state.v0 ^= word;
  };
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) absorb(load_word(at));
  absorb(load_little(at, left) | uint64_t{bytes.size()} << 56);
  state.v2 ^= 0xff;
  for (int i = 0; i < kFinalisation; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace

uint64_t siphash_2_4(const SipKey& key, ByteSpan bytes) { return siphash<2, 4>(key, bytes); }
uint64_t siphash_1_3(const SipKey& key, ByteSpan bytes) { return siphash<1, 3>(key, bytes); }

}  // namespace lxnet
