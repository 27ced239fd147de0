// IpInfo: what the IP layer found out about a received packet; it travels in the packet's control block up to the socket.
#pragma once

#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

struct IpInfo {
  IpAddress source = {};
  IpAddress destination = {};    // as on the wire; multicast and broadcast too
  uint32_t interface_index = 0;  // where it came in (an address of `lo` for what we sent ourselves)
  uint32_t flow_label = 0;       // IPv6
  uint8_t protocol = 0;          // of the transport header at the packet's front
  uint8_t ttl = 0;               // or hop limit
  uint8_t tos = 0;               // or traffic class
  bool is_broadcast = false;     // destination is one of ours that everybody hears
  bool is_multicast = false;
  bool was_fragmented = false;
  uint16_t fragment_size = 0;  // of the largest fragment it came in, header included; 0 when it came whole
  uint16_t header_size = 0;    // from network_header() to the transport header
  uint16_t options_size = 0;   // IPv4 options right after the 20 bytes; IPv6: all extension headers after the 40
};

inline IpInfo& ip_info(Packet& packet) { return packet.control<IpInfo>(); }
inline const IpInfo& ip_info(const Packet& packet) { return const_cast<Packet&>(packet).control<IpInfo>(); }

}  // namespace lxnet
