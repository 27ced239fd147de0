// The functions that compilers call by themselves and that no header declares. Weak: a host's own, or libgcc's, win.
#include <cstdint>

#include "base/assert.hh"

extern "C" {

[[noreturn, gnu::weak]] void __cxa_pure_virtual();
// Of std::countl_zero, std::countr_zero and std::popcount, where the machine has no instruction for them: riscv64 without Zbb,
// and for the last x86-64 as it was at first.
[[gnu::weak]] int __clzdi2(uint64_t value);
[[gnu::weak]] int __ctzdi2(uint64_t value);
[[gnu::weak]] int __popcountdi2(uint64_t value);
}

void __cxa_pure_virtual() { lxnet::assertion_failed("a pure virtual function was called", __FILE__, __LINE__); }

// Halving by hand, in words that no compiler recognises as the builtin, which would be this function again.
int __clzdi2(uint64_t value) {
  int zeros = 0;
  for (int half = 32; half > 0; half /= 2) {
    if (value >> (64 - half) == 0) {
      zeros += half;
      value <<= half;
    }
  }
  return zeros;
}

int __ctzdi2(uint64_t value) {
  int zeros = 0;
  for (int half = 32; half > 0; half /= 2) {
    if (value << (64 - half) == 0) {
      zeros += half;
      value >>= half;
    }
  }
  return zeros;
}

// Sums of neighbours: bits, pairs, groups of four, and then all bytes at once. (The loop over set bits is what compilers know.)
int __popcountdi2(uint64_t value) {
  value -= value >> 1 & 0x5555'5555'5555'5555;
  value = (value & 0x3333'3333'3333'3333) + (value >> 2 & 0x3333'3333'3333'3333);
  value = (value + (value >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
  return static_cast<int>(value * 0x0101'0101'0101'0101 >> 56);
}
