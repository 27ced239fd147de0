// ChaCha20 (RFC 8439): the keystream added to bytes, 8 or 16 blocks at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet::x86 {

inline constexpr size_t kChaChaBlock = 64, kChaChaKey = 32;

// The sixteen words of RFC 8439, 2.3: constants, key, counter, nonce.
struct ChaChaState {
  uint32_t words[16];
};
// `iv` is the counter and the nonce, 16 bytes.
void chacha_start(ChaChaState& state, const uint8_t* key, const uint8_t* iv);

// From the block that state's counter names; the counter is left as it is, and wraps at 32 bits.
using ChaChaCrypt = void (*)(const ChaChaState& state, uint8_t* to, const uint8_t* from, size_t size);
namespace avx2 {
void chacha_crypt(const ChaChaState& state, uint8_t* to, const uint8_t* from, size_t size);
}
namespace avx512 {
void chacha_crypt(const ChaChaState& state, uint8_t* to, const uint8_t* from, size_t size);
}

}  // namespace lxnet::x86
