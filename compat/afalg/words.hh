// Words out of bytes and back, at any alignment.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace lxnet {

template <typename T>
T swap_bytes(T value) {
  T result = 0;
  for (size_t i = 0; i < sizeof(T); ++i) result = static_cast<T>(result << 8 | (value >> (8 * i) & 0xff));
  return result;
}

template <typename T>
T load_little(const uint8_t* from) {
  T value;
  memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : swap_bytes(value);
}
template <typename T>
T load_big(const uint8_t* from) {
  T value;
  memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : swap_bytes(value);
}
template <typename T>
void store_little(uint8_t* to, T value) {
  if (std::endian::native != std::endian::little) value = swap_bytes(value);
  memcpy(to, &value, sizeof value);
}
template <typename T>
void store_big(uint8_t* to, T value) {
  if (std::endian::native != std::endian::big) value = swap_bytes(value);
  memcpy(to, &value, sizeof value);
}

// to = one ^ other, eight bytes at a time.
inline void xor_bytes(uint8_t* to, const uint8_t* one, const uint8_t* other, size_t size) {
  for (; size >= 8; size -= 8, to += 8, one += 8, other += 8) {
    uint64_t a, b;
    memcpy(&a, one, 8);
    memcpy(&b, other, 8);
    a ^= b;
    memcpy(to, &a, 8);
  }
  for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(one[i] ^ other[i]);
}

}  // namespace lxnet
