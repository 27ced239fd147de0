// Poly1305 (RFC 8439, 2.5): one block at a time by the machine's multiplication of 64 bits, or 4 or 8 at a time in registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet::x86 {

inline constexpr size_t kPolyBlock = 16, kPolyKey = 32, kPolyTag = 16, kPolyPowers = 8, kPolyLimbs = 5;

struct Poly1305 {
  uint64_t h[3];  // the sum, below 2^130 and a bit
  uint64_t r[2];
  uint64_t pad[2];  // s: added at the end
  // r^1 to r^8 in limbs of 26 bits, made by the first message that is long enough to need them.
  uint32_t powers[kPolyPowers][kPolyLimbs];
  uint32_t has_powers;
};

// `key` is r, which is clamped, and s.
void poly1305_start(Poly1305& poly, const uint8_t* key);
using PolyBlocks = void (*)(Poly1305& poly, const uint8_t* from, size_t blocks);
void poly1305_blocks(Poly1305& poly, const uint8_t* from, size_t blocks);
// The end of a message that is no whole block, as the RFC has it: with a bit behind its last byte.
void poly1305_last(Poly1305& poly, const uint8_t* from, size_t size);
void poly1305_finish(const Poly1305& poly, uint8_t* tag);

void poly1305_make_powers(Poly1305& poly);
inline constexpr size_t kPolyWideBlocks = 32;  // fewer are not worth the powers
namespace avx2 {
void poly1305_blocks(Poly1305& poly, const uint8_t* from, size_t blocks);
}
namespace avx512 {
void poly1305_blocks(Poly1305& poly, const uint8_t* from, size_t blocks);
}

}  // namespace lxnet::x86
