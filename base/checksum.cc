#include "base/checksum.hh"

namespace lxnet {
namespace {

uint64_t load_u64(const uint8_t* at) {
  uint64_t word;
  memcpy(&word, at, sizeof(word));
  return word;
}

// Adds with the end-around carry: add and add-with-carry on the machines that have them.
void add_word(uint64_t& sum, uint64_t word) {
  sum += word;
  sum += sum < word;
}

// The sum of the bytes from an even position on, folded into 64 bits, in the machine's order; an odd last byte counts as if a
// zero followed it.
uint64_t sum_of(ByteSpan bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  // Four sums, so that one addition need not wait for the one before it.
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (; left >= 32; at += 32, left -= 32) {
    add_word(a, load_u64(at));
    add_word(b, load_u64(at + 8));
    add_word(c, load_u64(at + 16));
    add_word(d, load_u64(at + 24));
  }
  add_word(a, b);
  add_word(c, d);
  add_word(a, c);
  for (; left >= 8; at += 8, left -= 8) add_word(a, load_u64(at));
  if (left != 0) {
    uint64_t word = 0;
    memcpy(&word, at, left);
    add_word(a, word);
  }
  return a;
}

}  // namespace

void InternetChecksum::add(ByteSpan bytes) {
  if (bytes.empty()) return;
  uint64_t sum = sum_of(bytes);
  // From an odd position every byte is in the other half of its word: the sum of swapped words is the swapped sum.
  if (is_odd_) sum = __builtin_bswap16(fold(sum));
  accumulate(sum);
  if (bytes.size() % 2 != 0) is_odd_ = !is_odd_;
}

}  // namespace lxnet
