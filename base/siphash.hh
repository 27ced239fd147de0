// SipHash (Aumasson, Bernstein 2012): a keyed hash that who does not know the key cannot steer.
//
// SipHash-2-4 where the value itself must not be guessed (sequence numbers, cookies, identifications); SipHash-1-3 for hash
// tables, where only collisions matter.
#pragma once

#include "base/bytes.hh"

namespace lxnet {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

uint64_t siphash_2_4(const SipKey& key, ByteSpan bytes);
uint64_t siphash_1_3(const SipKey& key, ByteSpan bytes);

// Of a value without padding bytes.
template <typename T>
uint64_t siphash_1_3(const SipKey& key, const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  return siphash_1_3(key, bytes_of(value));
}
template <typename T>
uint64_t siphash_2_4(const SipKey& key, const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  return siphash_2_4(key, bytes_of(value));
}

}  // namespace lxnet
