// How a ring's memory is laid out: struct tpacket_hdr and its successors, and the blocks of TPACKET_V3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

inline constexpr size_t kRingAlignment = 16;
constexpr size_t ring_align(size_t size) { return (size + kRingAlignment - 1) & ~(kRingAlignment - 1); }

struct RingHeader1 {
  uint64_t status;
  uint32_t size, kept;
  uint16_t link_at, network_at;
  uint32_t seconds, micros;
};
static_assert(sizeof(RingHeader1) == 32);

struct RingHeader2 {
  uint32_t status, size, kept;
  uint16_t link_at, network_at;
  uint32_t seconds, nanos;
  uint16_t vlan_control, vlan_protocol;
  uint8_t padding[4];
};
static_assert(sizeof(RingHeader2) == 32);

struct RingHeader3 {
  uint32_t next_at, seconds, nanos, kept, size, status;
  uint16_t link_at, network_at;
  uint32_t hash, vlan_control;
  uint16_t vlan_protocol, padding;
  uint8_t more_padding[8];
};
static_assert(sizeof(RingHeader3) == 48);

// struct tpacket_block_desc.
struct RingBlock {
  uint32_t version, private_at;
  uint32_t status, count, first_at, used;
  uint64_t sequence;
  uint32_t first_seconds, first_nanos, last_seconds, last_nanos;
};
static_assert(sizeof(RingBlock) == 48 && offsetof(RingBlock, status) == 8);

// Where a block's frames begin, behind the program's own part of it.
constexpr uint64_t block_data_offset(uint32_t private_size) {
  return sizeof(RingBlock) + ((uint64_t{private_size} + 7) & ~uint64_t{7});
}

}  // namespace lxnet
