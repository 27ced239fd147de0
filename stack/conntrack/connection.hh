// Connection: what is remembered of one that passes. Linux's nf_conn.
//
// It is born with its first packet, belongs to that packet alone until the packet has passed everything (ConnectionTable::
// confirm), and is then found by the tuples of both directions. Packets on their way hold it too (Packet::flow). All of it is
// under the lock of the hooks, but for its count.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "hal/hash_table.hh"
#include "hal/owned_timer.hh"
#include "netdev/packet_flow.hh"
#include "stack/conntrack/flow_tuple.hh"
#include "stack/conntrack/tcp_tracking.hh"

namespace lxnet {

class ConnectionTable;

// enum ip_conntrack_status: programs match on the numbers.
enum ConnectionStatus : uint32_t {
  kSeenReply = 1u << 1,
  kAssured = 1u << 2,  // not to be thrown out early
  kConfirmed = 1u << 3,
  kSourceNat = 1u << 4,  // the source changes on the way
  kDestinationNat = 1u << 5,
  kSourceNatDone = 1u << 7,  // it has been decided whether
  kDestinationNatDone = 1u << 8,
  kDying = 1u << 9,
};
inline constexpr uint32_t kEitherNat = kSourceNat | kDestinationNat, kBothNatDone = kSourceNatDone | kDestinationNatDone;

enum FlowDirection : uint8_t { kOriginal = 0, kReply = 1 };
constexpr FlowDirection other_direction(FlowDirection direction) { return direction == kOriginal ? kReply : kOriginal; }

// Packet::flow_state: what a packet is to its connection. Linux's ip_conntrack_info.
enum class FlowState : uint8_t {
  Established = 0,  // or, without a connection, invalid
  Related = 1,      // an ICMP error about it
  New = 2,
  EstablishedReply = 3,
  RelatedReply = 4,
  Untracked = 7,  // without a connection: nobody wants it followed
};
constexpr FlowDirection direction_of(FlowState state) { return state >= FlowState::EstablishedReply ? kReply : kOriginal; }
constexpr bool is_related(FlowState state) { return state == FlowState::Related || state == FlowState::RelatedReply; }

struct Connection : PacketFlow {
  struct Side {
    FlowTuple tuple;
    HashLink link;
    Connection* connection = nullptr;
  };
  struct Counters {
    uint64_t packets = 0, bytes = 0;
  };

  Connection(ConnectionTable& table, const FlowTuple& original, const FlowTuple& reply);
  ~Connection();

  const FlowTuple& tuple(FlowDirection direction) const { return sides[direction].tuple; }
  uint8_t protocol() const { return sides[kOriginal].tuple.protocol; }
  IpFamily family() const { return sides[kOriginal].tuple.family; }
  bool is(uint32_t status_bits) const { return (status & status_bits) != 0; }

  Side sides[2];
  uint32_t status = 0;  // ConnectionStatus
  uint32_t mark = 0;
  uint32_t masquerade_interface = 0;
  Duration timeout = {};      // until it is confirmed
  Instant deadline = {};      // from then on
  Instant stream_since = {};  // UDP: when it is no longer a question and its answer
  TcpTracking tcp;
  Counters counters[2];

  HashLink source_link;  // by the source of its first packet: NAT maps one source to one
  ListLink age_link;     // confirmed: the oldest first
  OwnedTimer<Connection> timer;
  ConnectionTable& table;
};

// The packet's connection; null: it has none.
inline Connection* connection_of(const Packet& packet) { return static_cast<Connection*>(packet.flow.get()); }
inline FlowState flow_state_of(const Packet& packet) { return FlowState{packet.flow_state}; }
inline void bind_flow(Packet& packet, Connection& connection, FlowState state) {
  packet.flow = Ref<PacketFlow>::share(connection);
  packet.flow_state = static_cast<uint8_t>(state);
}
// It leaves this stack, or has arrived.
inline void forget_flow(Packet& packet) {
  packet.flow = nullptr;
  packet.flow_state = 0;
}

}  // namespace lxnet
