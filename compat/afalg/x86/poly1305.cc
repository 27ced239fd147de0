#include "compat/afalg/x86/poly1305.hh"

#include <cstring>

#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

__extension__ typedef unsigned __int128 Wide;

// h = h * r modulo 2^130 - 5, not quite reduced: h[2] may be 4.
void multiply(uint64_t (&h)[3], const uint64_t (&r)[2]) {
  // r's lowest two bits are zero in its upper half, so what goes past 2^130 comes back as 5/4 of it.
  const uint64_t r1_back = r[1] + (r[1] >> 2);
  const Wide d0 = Wide{h[0]} * r[0] + Wide{h[1]} * r1_back;
  const Wide d1 = Wide{h[0]} * r[1] + Wide{h[1]} * r[0] + h[2] * r1_back + static_cast<uint64_t>(d0 >> 64);
  const uint64_t d2 = h[2] * r[0] + static_cast<uint64_t>(d1 >> 64);
  const Wide low = Wide{static_cast<uint64_t>(d0)} + (d2 >> 2) + (d2 & ~uint64_t{3});
  h[0] = static_cast<uint64_t>(low);
  const Wide middle = Wide{static_cast<uint64_t>(d1)} + static_cast<uint64_t>(low >> 64);
  h[1] = static_cast<uint64_t>(middle);
  h[2] = (d2 & 3) + static_cast<uint64_t>(middle >> 64);
}

void add_block(uint64_t (&h)[3], const uint8_t* block, uint64_t top) {
  uint64_t low, high;
  memcpy(&low, block, 8);
  memcpy(&high, block + 8, 8);
  const Wide sum = Wide{h[0]} + low;
  h[0] = static_cast<uint64_t>(sum);
  const Wide carried = Wide{h[1]} + high + static_cast<uint64_t>(sum >> 64);
  h[1] = static_cast<uint64_t>(carried);
  h[2] += top + static_cast<uint64_t>(carried >> 64);
}

}  // namespace

void poly1305_start(Poly1305& poly, const uint8_t* key) {
  memset(&poly, 0, sizeof poly);
  memcpy(poly.r, key, 16);
  poly.r[0] &= 0x0ffffffc0fffffff;
  poly.r[1] &= 0x0ffffffc0ffffffc;
  memcpy(poly.pad, key + 16, 16);
}

void poly1305_blocks(Poly1305& poly, const uint8_t* from, size_t blocks) {
  uint64_t h[3] = {poly.h[0], poly.h[1], poly.h[2]};
  for (; blocks > 0; --blocks, from += kPolyBlock) {
    add_block(h, from, 1);
    multiply(h, poly.r);
  }
  memcpy(poly.h, h, sizeof h);
}

void poly1305_last(Poly1305& poly, const uint8_t* from, size_t size) {
  uint8_t block[kPolyBlock] = {};
  memcpy(block, from, size);
  block[size] = 1;
  add_block(poly.h, block, 0);
  multiply(poly.h, poly.r);
  wipe(block, sizeof block);
}

void poly1305_finish(const Poly1305& poly, uint8_t* tag) {
  // h or h - p = h + 5 - 2^130, whichever is in the field, without a branch.
  const Wide low = Wide{poly.h[0]} + 5;
  const Wide high = Wide{poly.h[1]} + static_cast<uint64_t>(low >> 64);
  const uint64_t is_past = 0 - ((poly.h[2] + static_cast<uint64_t>(high >> 64)) >> 2);
  const uint64_t h0 = (poly.h[0] & ~is_past) | (static_cast<uint64_t>(low) & is_past);
  const uint64_t h1 = (poly.h[1] & ~is_past) | (static_cast<uint64_t>(high) & is_past);
  const Wide first = Wide{h0} + poly.pad[0];
  const uint64_t sum[2] = {static_cast<uint64_t>(first), h1 + poly.pad[1] + static_cast<uint64_t>(first >> 64)};
  memcpy(tag, sum, kPolyTag);
}

void poly1305_make_powers(Poly1305& poly) {
  constexpr uint32_t kMask = (1 << 26) - 1;
  uint64_t h[3] = {poly.r[0], poly.r[1], 0};
  for (uint32_t(&power)[kPolyLimbs] : poly.powers) {
    power[0] = static_cast<uint32_t>(h[0]) & kMask;
    power[1] = static_cast<uint32_t>(h[0] >> 26) & kMask;
    power[2] = static_cast<uint32_t>(h[0] >> 52 | h[1] << 12) & kMask;
    power[3] = static_cast<uint32_t>(h[1] >> 14) & kMask;
    power[4] = static_cast<uint32_t>(h[1] >> 40 | h[2] << 24);
    multiply(h, poly.r);
  }
  poly.has_powers = 1;
}

}  // namespace lxnet::x86
