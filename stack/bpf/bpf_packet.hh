// What a filter program sees of a packet: its bytes from some header on, the headers before that, and what is known besides.
#pragma once

#include <optional>

#include "base/bytes.hh"

namespace lxnet {

class Packet;

struct BpfPacket {
  // Copies bytes from `offset`, which counts from the program's offset 0 and is negative for headers already passed. False: they
  // are not all there.
  using Read = bool (*)(const void* source, int64_t offset, MutableByteSpan to);

  ByteSpan linear = {};  // what can be read without read(), from offset 0
  uint32_t size = 0;     // of the packet from offset 0
  Read read = nullptr;   // absent: linear is all there is
  const void* source = nullptr;

  // Where the headers begin, counted as above; absent where there is none.
  std::optional<int32_t> network_offset = {};
  std::optional<int32_t> link_offset = {};

  uint16_t protocol = 0;         // ethertype
  uint8_t packet_type = 0;       // PACKET_HOST and its like
  uint32_t interface_index = 0;  // 0: no interface
  uint16_t interface_type = 0;   // ARPHRD_ETHER and its like
  uint32_t mark = 0;
  uint16_t queue = 0;
  uint32_t receive_hash = 0;
  uint32_t cpu = 0;
  std::optional<uint16_t> vlan_tag = {};  // stripped from the bytes by the device
  uint16_t vlan_protocol = 0;
  uint32_t (*random)(const void* source) = nullptr;
  const void* random_source = nullptr;

  // Bytes at `offset` wherever they lie. False: they are not all there.
  bool copy(int64_t offset, MutableByteSpan to) const;

  // A packet whose front is where the program's offset 0 is to be. It must stay as it is while the view is used.
  static BpfPacket of(const Packet& packet);
};

// Where the payload of the transport protocol begins (SKF_AD_PAY_OFFSET), counted from offset 0. 0: nobody knows.
uint32_t bpf_payload_offset(const BpfPacket& packet);

}  // namespace lxnet
