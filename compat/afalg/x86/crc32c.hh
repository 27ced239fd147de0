// CRC-32C (Castagnoli), bit-reflected and without inversions: three streams of the crc32 instruction, joined by a multiplication.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet::x86 {

uint32_t crc32c_update(uint32_t crc, const uint8_t* from, size_t size);

}  // namespace lxnet::x86
