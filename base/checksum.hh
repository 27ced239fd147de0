// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit big-endian words.
//
// Bytes are summed as the machine's own words and swapped once at the end, which the sum's byte-order independence allows. A
// piece of odd length may be followed by another: the sum knows at which half of a word it stands.
#pragma once

#include "base/assert.hh"
#include "base/bytes.hh"
#include "base/endian.hh"

namespace lxnet {

namespace internal {

// The sum of the bytes in 16-bit words of the machine's order, not folded, below 2^35. An odd last byte is padded with a zero.
uint64_t sum_words(ByteSpan bytes);
uint64_t sum_words_from_boundary(ByteSpan bytes);  // the same, for machines that read aligned words only
uint64_t copy_and_sum_words(uint8_t* to, ByteSpan from);

constexpr uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace internal

class InternetChecksum {
 public:
  constexpr InternetChecksum() = default;
  // Starts from a sum() of earlier, even-sized data: what a partial checksum field holds.
  explicit constexpr InternetChecksum(uint16_t sum) { add_u16(sum); }

  // The bytes follow those that were added before.
  void add(ByteSpan bytes) { add_piece(internal::sum_words(bytes), bytes.size()); }
  // Copies and sums in one pass. `to` is at least as long as `from`.
  void copy_and_add(MutableByteSpan to, ByteSpan from) {
    ASSERT(to.size() >= from.size());
    add_piece(internal::copy_and_sum_words(to.data(), from), from.size());
  }
  // What `next` summed follows these bytes.
  constexpr void append(const InternetChecksum& next) { add_piece(internal::fold(next.sum_), next.is_odd_ ? 1 : 0); }
  // A number, as if its bytes stood on the wire. Only where an even number of bytes came before.
  constexpr void add_u16(uint16_t host_value) { sum_ += Be16(host_value).raw(); }
  constexpr void add_u32(uint32_t host_value) { sum_ += Be32(host_value).raw(); }

  // The sum so far, not complemented, as a number to store with Be16::set().
  constexpr uint16_t sum() const { return Be16(internal::fold(sum_)).raw(); }
  // What a checksum field is to hold, with that field summed as zero.
  constexpr uint16_t finish() const { return static_cast<uint16_t>(~sum()); }
  // All data summed, the checksum field included.
  constexpr bool is_valid() const { return sum() == 0xffff; }

 private:
  constexpr void add_piece(uint64_t piece, size_t size) {
    if (is_odd_) [[unlikely]] {
      // From an odd position every byte is in the other half of its word: the sum of swapped words is the swapped sum.
      const uint16_t folded = internal::fold(piece);
      piece = static_cast<uint16_t>(folded << 8 | folded >> 8);
    }
    sum_ += piece;
    is_odd_ ^= size % 2 != 0;
  }

  uint64_t sum_ = 0;  // in the machine's byte order; each piece is below 2^35, so there is room for 2^29 of them
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
