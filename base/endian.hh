// Be16, Be32, Be64: big-endian numbers as they stand on the wire.
//
// Alignment 1 and no implicit arithmetic: a header made of these is a window on bytes, and its fields are read with get()
// and written with set(). bit_cast and not a byte loop: g++ 12 keeps a loop as a loop, while this is one load and one swap
// under both compilers.
#pragma once

#include <bit>
#include <cstdint>

namespace lxnet {

template <typename T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr explicit BigEndian(T host) { set(host); }
  constexpr T get() const { return swap_if_little(std::bit_cast<T>(raw_)); }
  constexpr void set(T host) { raw_ = std::bit_cast<Raw>(swap_if_little(host)); }
  // The bytes as they stand, as a number of the machine's own order: for checksums and hashes only.
  constexpr T raw() const { return std::bit_cast<T>(raw_); }
  constexpr bool operator==(const BigEndian& other) const { return raw() == other.raw(); }

 private:
  struct Raw {
    uint8_t bytes[sizeof(T)] = {};
  };
  // Shifts and not __builtin_bswap: where they can, both compilers make one instruction of them; for the builtin riscv64 calls
  // libgcc, which a kernel does not have.
  static constexpr T swap_if_little(T value) {
    if constexpr (std::endian::native == std::endian::big) return value;
    return swap(value);
  }
  static constexpr uint16_t swap(uint16_t v) { return static_cast<uint16_t>(v << 8 | v >> 8); }
  static constexpr uint32_t swap(uint32_t v) { return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24; }
  static constexpr uint64_t swap(uint64_t v) {
    return uint64_t{swap(static_cast<uint32_t>(v))} << 32 | swap(static_cast<uint32_t>(v >> 32));
  }

  Raw raw_;
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
using Be64 = BigEndian<uint64_t>;

static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1 && sizeof(Be64) == 8 && alignof(Be64) == 1);
static_assert(Be16(0x1234).get() == 0x1234);

}  // namespace lxnet
