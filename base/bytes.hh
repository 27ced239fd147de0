// The two spans every codec speaks of, and the copies between them.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace lxnet {

using ByteSpan = std::span<const uint8_t>;
using MutableByteSpan = std::span<uint8_t>;

// Copies as much as both hold and says how much that was.
inline size_t copy_bytes(MutableByteSpan to, ByteSpan from) {
  const size_t size = to.size() < from.size() ? to.size() : from.size();
  if (size != 0) memcpy(to.data(), from.data(), size);
  return size;
}

template <typename T>
ByteSpan bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return ByteSpan(reinterpret_cast<const uint8_t*>(&value), sizeof(T));
}
template <typename T>
MutableByteSpan mutable_bytes_of(T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return MutableByteSpan(reinterpret_cast<uint8_t*>(&value), sizeof(T));
}

}  // namespace lxnet
