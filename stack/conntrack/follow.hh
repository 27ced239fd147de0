// What following a packet needs to know of its protocol. Linux's nf_conntrack_l4proto.
#pragma once

#include "stack/conntrack/connection_table.hh"
#include "stack/filter/filter_packet.hh"

namespace lxnet {

// A packet on its way to its connection.
struct FollowedPacket {
  FilterPacket& seen;
  ConnectionTable& table;
  FlowHeaders headers;
  Instant now;

  Packet& packet() const { return seen.packet; }
  const ConnectionSettings& settings() const { return table.settings(); }
  size_t transport_size() const { return seen.packet.size() - headers.transport_offset; }
  // Sums are believed of what we send, and asked of what comes in.
  bool has_wrong_checksum() const;
  // The connection goes on for so long.
  void refresh(Connection& connection, FlowState state, Duration timeout) const;
};

enum class Followed : uint8_t {
  Yes,
  Invalid,  // it belongs to no connection
  Drop,
  Again,  // its connection was over, and is gone: look again
};

// What the packet does to the connection that has its tuple.
Followed follow_tcp(const FollowedPacket& followed, Connection& connection, FlowState state);
Followed follow_udp(const FollowedPacket& followed, Connection& connection, FlowState state);
Followed follow_udp_lite(const FollowedPacket& followed, Connection& connection, FlowState state);
Followed follow_icmp(const FollowedPacket& followed, Connection& connection, FlowState state);
Followed follow_other(const FollowedPacket& followed, Connection& connection, FlowState state);

// An ICMP message, before it is looked for as a packet of its own. Yes: it is bound to the connection that it reports an error
// of, or is not to be followed, or is to be looked for. Invalid: no more is to be done.
Followed follow_icmp_error(const FollowedPacket& followed);

}  // namespace lxnet
