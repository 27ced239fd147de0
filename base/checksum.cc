// The loops of the checksum: 64 bits at a time into two accumulators, carries counted in their upper halves, so that neither an
// addition nor its carry waits for the one before. Portable on purpose: a kernel has no vector registers to spend here.
#include "base/checksum.hh"

#include <bit>
#include <cstring>

namespace lxnet::internal {
namespace {

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 Accumulator;
using Word = uint64_t;
constexpr int kWordBits = 64;
#else
using Accumulator = uint64_t;
using Word = uint32_t;
constexpr int kWordBits = 32;
#endif

// Where a compiler reads an unaligned word byte by byte, the bytes before the first aligned word are summed apart.
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
constexpr bool kUnalignedIsCheap = true;
#else
constexpr bool kUnalignedIsCheap = false;
#endif

enum class Aligned : bool { No, Yes };

template <typename T, Aligned kAligned = Aligned::No>
T load(const uint8_t* from) {
  T value;
  if constexpr (kAligned == Aligned::Yes) {
    memcpy(&value, __builtin_assume_aligned(from, sizeof value), sizeof value);
  } else {
    memcpy(&value, from, sizeof value);
  }
  return value;
}
template <typename T>
void store(uint8_t* to, T value) {
  memcpy(to, &value, sizeof value);
}

constexpr uint64_t fold_to_word(Accumulator sum) {
  if constexpr (kWordBits == 64) {
    const uint64_t low = static_cast<uint64_t>(sum);
    // The upper half counts carries: it is far below 2^32.
    return (low & 0xffff'ffff) + (low >> 32) + static_cast<uint64_t>(sum >> (kWordBits / 2) >> (kWordBits / 2));
  } else {
    return static_cast<uint64_t>(sum & 0xffff'ffff) + static_cast<uint64_t>(sum >> 32);
  }
}

// What each step of the loop does with the word it has read.
struct SumOnly {
  template <typename T>
  void keep(T) {}
};
struct CopyTo {
  uint8_t* to;
  template <typename T>
  void keep(T value) {
    store(to, value);
    to += sizeof value;
  }
};

// Up to seven bytes.
template <typename Sink>
uint64_t sum_tail(const uint8_t* from, size_t size, Sink& sink) {
  uint64_t sum = 0;
  if (size & 4) {
    const uint32_t value = load<uint32_t>(from);
    sink.keep(value);
    sum += value;
    from += 4;
  }
  if (size & 2) {
    const uint16_t value = load<uint16_t>(from);
    sink.keep(value);
    sum += value;
    from += 2;
  }
  if (size & 1) {
    sink.keep(*from);
    sum += std::endian::native == std::endian::little ? *from : uint64_t{*from} << 8;
  }
  return sum;
}

template <Aligned kAligned, typename Sink>
uint64_t sum_run(const uint8_t* from, size_t size, Sink& sink) {
  constexpr size_t kStep = 4 * sizeof(Word);
  Accumulator first = 0;
  Accumulator second = 0;
  for (; size >= kStep; size -= kStep, from += kStep) {
    const Word a = load<Word, kAligned>(from);
    const Word b = load<Word, kAligned>(from + sizeof(Word));
    const Word c = load<Word, kAligned>(from + 2 * sizeof(Word));
    const Word d = load<Word, kAligned>(from + 3 * sizeof(Word));
    sink.keep(a);
    sink.keep(b);
    sink.keep(c);
    sink.keep(d);
    first += a;
    second += b;
    first += c;
    second += d;
  }
  for (; size >= sizeof(Word); size -= sizeof(Word), from += sizeof(Word)) {
    const Word word = load<Word, kAligned>(from);
    sink.keep(word);
    first += word;
  }
  return fold_to_word(first) + fold_to_word(second) + sum_tail(from, size, sink);
}

}  // namespace

uint64_t sum_words_from_boundary(ByteSpan bytes) {
  const size_t misaligned = reinterpret_cast<uintptr_t>(bytes.data()) % sizeof(Word);
  size_t head = misaligned == 0 ? 0 : sizeof(Word) - misaligned;
  if (head > bytes.size()) head = bytes.size();
  SumOnly sink;
  const uint64_t head_sum = sum_tail(bytes.data(), head, sink);
  const uint64_t rest = sum_run<Aligned::Yes>(bytes.data() + head, bytes.size() - head, sink);
  if (head % 2 == 0) return head_sum + rest;
  // After an odd head every later byte stood in the other half of its word.
  const uint16_t folded = fold(rest);
  return head_sum + static_cast<uint16_t>(folded << 8 | folded >> 8);
}

uint64_t sum_words(ByteSpan bytes) {
  if constexpr (!kUnalignedIsCheap) return sum_words_from_boundary(bytes);
  SumOnly sink;
  return sum_run<Aligned::No>(bytes.data(), bytes.size(), sink);
}

uint64_t copy_and_sum_words(uint8_t* to, ByteSpan from) {
  CopyTo sink{to};
  return sum_run<Aligned::No>(from.data(), from.size(), sink);
}

}  // namespace lxnet::internal
