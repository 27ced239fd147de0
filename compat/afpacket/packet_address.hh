// The addresses of AF_PACKET: struct sockaddr_ll, and struct sockaddr_pkt of SOCK_PACKET.
#pragma once

#include "base/endian.hh"
#include "stack/interface.hh"

namespace lxnet {

inline constexpr uint16_t kProtocolAll = 3;  // ETH_P_ALL

// PACKET_*: whom a frame is for, seen from here.
enum class FrameKind : uint8_t { Host = 0, Broadcast = 1, Multicast = 2, OtherHost = 3, Outgoing = 4, Loopback = 5 };

struct LinkAddress {
  uint16_t family = 0;
  Be16 protocol;
  int32_t index = 0;
  uint16_t hardware_type = 0;
  uint8_t kind = 0;
  uint8_t size = 0;
  uint8_t address[8] = {};
};
static_assert(sizeof(LinkAddress) == 20 && offsetof(LinkAddress, address) == 12);
inline constexpr size_t kLinkAddressHead = offsetof(LinkAddress, address);

struct OldPacketAddress {
  static constexpr size_t kNameSize = 14;
  uint16_t family = 0;
  char device[kNameSize] = {};
  Be16 protocol;
};
static_assert(sizeof(OldPacketAddress) == 18);
inline constexpr size_t kPlainAddressSize = 16;  // sizeof(struct sockaddr)

// What its link-layer addresses and headers take: nothing where packets go bare. `lo` pretends to be an Ethernet.
size_t address_size_of(const Interface& interface);
size_t header_size_of(const Interface& interface);

}  // namespace lxnet
