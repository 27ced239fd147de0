// FlowTuple: one direction of a connection, as its packets show it. Linux's nf_conntrack_tuple.
//
// What distinguishes flows between two addresses stands in two parts of sixteen bits: ports, or what ICMP has instead. A protocol
// that has neither leaves them zero, and is one flow between two hosts.
#pragma once

#include <optional>

#include "base/siphash.hh"
#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

struct FlowTuple {
  IpAddress source = {}, destination = {};
  Be16 source_part = {};       // port; ICMP: the identifier
  Be16 destination_part = {};  // port; ICMP: type and code
  uint16_t zone = 0;
  IpFamily family = IpFamily::V4;
  uint8_t protocol = 0;

  bool operator==(const FlowTuple&) const = default;

  uint8_t icmp_type() const { return static_cast<uint8_t>(destination_part.get() >> 8); }
  uint8_t icmp_code() const { return static_cast<uint8_t>(destination_part.get()); }
  // What answers look like; none: nothing answers this (an ICMP message that is no request).
  std::optional<FlowTuple> inverted() const;
};
static_assert(sizeof(FlowTuple) == 40);

// Where a packet's headers are.
struct FlowHeaders {
  IpFamily family = IpFamily::V4;
  uint8_t protocol = 0;
  uint32_t transport_offset = 0;
};

// Of the IP packet that begins at `at`, be it the packet itself or one that an ICMP message cites. None: its headers are not all
// there, or it is a later fragment.
std::optional<FlowHeaders> find_flow_headers(const Packet& packet, IpFamily family, uint32_t at);
std::optional<FlowTuple> read_flow_tuple(const Packet& packet, const FlowHeaders& headers, uint32_t at);

}  // namespace lxnet
