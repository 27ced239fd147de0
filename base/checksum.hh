// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit big-endian words.
//
// Bytes are summed as the machine's own words and swapped once at the end, which the sum's byte-order independence allows. A
// piece of odd length may be followed by another: the sum knows at which half of a word it stands.
#pragma once

#include "base/bytes.hh"
#include "base/endian.hh"

namespace lxnet {

class InternetChecksum {
 public:
  constexpr InternetChecksum() = default;
  // Starts from a sum() of earlier, even-sized data: what a partial checksum field holds.
  explicit constexpr InternetChecksum(uint16_t sum) { add_u16(sum); }

  void add(ByteSpan bytes);
  // A number, as if its bytes stood on the wire. Only where an even number of bytes came before.
  constexpr void add_u16(uint16_t host_value) { accumulate(Be16(host_value).raw()); }
  constexpr void add_u32(uint32_t host_value) { accumulate(Be32(host_value).raw()); }

  // The sum so far, not complemented, as a number to store with Be16::set().
  constexpr uint16_t sum() const { return Be16(fold(sum_)).raw(); }
  // What a checksum field is to hold, with that field summed as zero.
  constexpr uint16_t finish() const { return static_cast<uint16_t>(~sum()); }
  // All data summed, the checksum field included.
  constexpr bool is_valid() const { return sum() == 0xffff; }

 private:
  constexpr void accumulate(uint64_t native_value) {
    sum_ += native_value;
    sum_ += sum_ < native_value;  // end-around carry
  }
  static constexpr uint16_t fold(uint64_t sum) {
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
  }

  uint64_t sum_ = 0;  // in the machine's byte order
  bool is_odd_ = false;
};

// The checksum of one run of bytes.
inline uint16_t internet_checksum(ByteSpan bytes) {
  InternetChecksum checksum;
  checksum.add(bytes);
  return checksum.finish();
}

// RFC 1624, equation 3: the checksum after one 16-bit word under it changed.
constexpr uint16_t update_checksum(uint16_t checksum, uint16_t from, uint16_t to) {
  InternetChecksum sum;
  sum.add_u16(static_cast<uint16_t>(~checksum));
  sum.add_u16(static_cast<uint16_t>(~from));
  sum.add_u16(to);
  return sum.finish();
}

}  // namespace lxnet
