// SHA-1, SHA-2 (FIPS 180-4): the compression functions, over whole blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet::x86 {

// With the SHA instructions.
void sha1_blocks(uint32_t (&state)[5], const uint8_t* from, size_t blocks);
void sha256_blocks(uint32_t (&state)[8], const uint8_t* from, size_t blocks);
// With AVX2 for the schedule and BMI2's rotations for the rounds.
void sha512_blocks(uint64_t (&state)[8], const uint8_t* from, size_t blocks);

}  // namespace lxnet::x86
