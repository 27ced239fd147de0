#include "compat/afalg/x86/chacha.hh"

#include <cstring>

namespace lxnet::x86 {

void chacha_start(ChaChaState& state, const uint8_t* key, const uint8_t* iv) {
  constexpr uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  memcpy(state.words, kConstants, sizeof kConstants);
  memcpy(state.words + 4, key, kChaChaKey);
  memcpy(state.words + 12, iv, 16);
}

}  // namespace lxnet::x86
