// SipHash-c-d over bytes, as the paper's reference defines it.
#include "base/siphash.hh"

namespace lxnet {

namespace {

using internal::sip_word;
using internal::SipState;

template <int kCompression, int kFinalisation>
uint64_t siphash(const SipKey& key, ByteSpan bytes) {
  SipState state(key);
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) state.absorb<kCompression>(sip_word(at, 8));
  uint64_t last = uint64_t{bytes.size()} << 56;
  for (size_t i = 0; i < left; ++i) last |= uint64_t{at[i]} << (8 * i);
  state.absorb<kCompression>(last);
  return state.finish<kFinalisation>();
}

}  // namespace

uint64_t siphash_2_4(const SipKey& key, ByteSpan bytes) { return siphash<2, 4>(key, bytes); }
uint64_t siphash_1_3(const SipKey& key, ByteSpan bytes) { return siphash<1, 3>(key, bytes); }

}  // namespace lxnet
