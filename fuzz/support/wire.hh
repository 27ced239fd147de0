// What the fuzz targets of stack/wire share: a check that stops the fuzzer, and the law of every codec.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/bytes.hh"

namespace lxnet::fuzz {

inline void check(bool is_true) {
  if (!is_true) abort();
}

// Every byte of a span is there: AddressSanitizer objects if one is not.
inline void touch(ByteSpan bytes) {
  uint8_t sum = 0;
  for (uint8_t byte : bytes) sum = static_cast<uint8_t>(sum + byte);
  asm volatile("" : : "r"(sum));  // or nothing would be read
}

// What emit() writes, in a block of exactly encoded_size() bytes.
template <typename Value>
std::vector<uint8_t> emitted(const Value& value) {
  std::vector<uint8_t> bytes(value.encoded_size(), 0xee);
  value.emit(bytes);
  return bytes;
}

// A value that was read is written as bytes that read as the same value: compared by what they write.
template <typename Parse, typename Value>
void check_round_trip(Parse parse, const Value& value) {
  const std::vector<uint8_t> bytes = emitted(value);
  auto again = parse(ByteSpan(bytes));
  check(again.is_ok());
  check(emitted(again.take()) == bytes);
}

}  // namespace lxnet::fuzz
