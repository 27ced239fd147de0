#include "compat/afalg/x86/crc32c.hh"

#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

// x^power modulo the polynomial, its bits reflected.
constexpr uint32_t power_of_x(size_t power) {
  uint32_t value = 0x80000000;
  for (size_t i = 0; i < power; ++i) value = value >> 1 ^ ((0 - (value & 1)) & 0x82f63b78);
  return value;
}

inline uint64_t load(const uint8_t* from) {
  uint64_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

// What the CRC becomes after `kBytes` zeros. The product is taken for a message of 8 bytes, which the instruction multiplies by
// x^32 when it reduces; reflection makes the product one bit short.
template <size_t kBytes>
[[LXNET_TARGET_CRC32, gnu::always_inline]] inline uint32_t shifted(uint32_t crc) {
  constexpr uint32_t kFactor = power_of_x(8 * kBytes - 33);
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(crc)), _mm_cvtsi32_si128(static_cast<int>(kFactor)), 0);
  return static_cast<uint32_t>(_mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product))));
}

// The instruction takes three cycles and one can begin in each.
template <size_t kStream>
[[LXNET_TARGET_CRC32]] uint32_t three_streams(uint32_t crc, const uint8_t*& from, size_t& size) {
  for (; size >= 3 * kStream; size -= 3 * kStream, from += 3 * kStream) {
    uint64_t first = crc, second = 0, third = 0;
    for (size_t i = 0; i < kStream; i += 8) {
      first = _mm_crc32_u64(first, load(from + i));
      second = _mm_crc32_u64(second, load(from + kStream + i));
      third = _mm_crc32_u64(third, load(from + 2 * kStream + i));
    }
    crc = shifted<2 * kStream>(static_cast<uint32_t>(first)) ^ shifted<kStream>(static_cast<uint32_t>(second)) ^
          static_cast<uint32_t>(third);
  }
  return crc;
}

}  // namespace

[[LXNET_TARGET_CRC32]] uint32_t crc32c_update(uint32_t crc, const uint8_t* from, size_t size) {
  crc = three_streams<1024>(crc, from, size);
  crc = three_streams<64>(crc, from, size);
  uint64_t wide = crc;
  for (; size >= 8; size -= 8, from += 8) wide = _mm_crc32_u64(wide, load(from));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; --size, ++from) crc = _mm_crc32_u8(crc, *from);
  return crc;
}

}  // namespace lxnet::x86
