// Nat: which address and port a connection shows on the other side, and its packets rewritten for it. Linux's nf_nat_core.c.
//
// The first packet of a connection asks the rules, in order of priority, until one decides (Nat::decide); what nobody decides
// stays as it is, if that is free. From then on the connection's tuples say how its packets are rewritten. Destinations are
// decided at PREROUTING and OUTPUT, sources at POSTROUTING and INPUT.
#pragma once

#include "stack/conntrack/connection_table.hh"
#include "stack/filter/packet_hooks.hh"

namespace lxnet {

enum class NatSide : uint8_t { Source, Destination };
constexpr NatSide nat_side_of(FilterHook hook) {
  return hook == FilterHook::PostRouting || hook == FilterHook::LocalIn ? NatSide::Source : NatSide::Destination;
}
constexpr NatSide other_side(NatSide side) { return side == NatSide::Source ? NatSide::Destination : NatSide::Source; }

// NF_NAT_RANGE_*.
enum NatFlag : uint32_t {
  kNatMapAddresses = 1u << 0,
  kNatMapParts = 1u << 1,  // ports, or identifiers of ICMP
  kNatRandom = 1u << 2,
  kNatPersistent = 1u << 3,
  kNatRandomFully = 1u << 4,
  kNatOffset = 1u << 5,  // the port keeps its distance from base_part
  kNatNetmap = 1u << 6,
};

// What a rule allows, ends included; parts in host order.
struct NatRange {
  uint32_t flags = 0;
  IpAddress first = {}, last = {};
  uint16_t first_part = 0, last_part = 0, base_part = 0;
};

class Nat {
 public:
  explicit Nat(ConnectionTable& table);
  ~Nat();

  // A list of rules joins, at its priority among others of its family and hook: its `run` is called for a connection's first
  // packet, and calls decide(), or not. As PacketHooks::add_locked() and remove_locked().
  void add_rules_locked(PacketHooks& hooks, PacketHook& rules) REQUIRES(hooks.mutex());
  void remove_rules_locked(PacketHooks& hooks, PacketHook& rules) REQUIRES(hooks.mutex());

  // ---- under the lock of the hooks
  // The packet's connection, which is new, gets a tuple of the range, one that is free if there is one. Drop: it has none.
  FilterVerdict decide(FilterPacket& packet, const NatRange& range, NatSide side);
  // What has been masqueraded behind the interface, or behind its address, is forgotten.
  void forget_masqueraded(uint32_t interface_index, const IpAddress* address = nullptr);

 private:
  struct Hook : PacketHook {
    Nat* nat = nullptr;
  };
  static constexpr FilterHook kPlaces[] = {FilterHook::PreRouting, FilterHook::LocalIn, FilterHook::LocalOut,
                                           FilterHook::PostRouting};
  static constexpr size_t kPlaceCount = sizeof kPlaces / sizeof kPlaces[0];
  static constexpr size_t index_of(IpFamily family) { return family == IpFamily::V6 ? 1 : 0; }

  static FilterVerdict translate(PacketHook& hook, FilterPacket& packet);
  FilterVerdict translate_whole(FilterPacket& packet, Connection& connection);
  FilterVerdict ask_rules(FilterPacket& packet, Connection& connection, NatSide side);
  FilterVerdict keep_as_is(FilterPacket& packet, Connection& connection, NatSide side);

  ConnectionTable& table_;
  PacketHookChain rules_[2][kFilterHookCount];
  size_t users_[2] = {};
  Hook hooks_[2][kPlaceCount];
};

}  // namespace lxnet
