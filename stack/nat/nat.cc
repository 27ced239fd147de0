#include "stack/nat/nat.hh"

#include "stack/filter/transport_sum.hh"
#include "stack/nat/nat_choice.hh"
#include "stack/nat/rewrite.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

constexpr uint32_t done_bit(NatSide side) { return side == NatSide::Source ? kSourceNatDone : kDestinationNatDone; }
constexpr uint32_t changed_bit(NatSide side) { return side == NatSide::Source ? kSourceNat : kDestinationNat; }

// What is rewritten for the one direction at its source is rewritten for the other at its destination.
bool is_rewritten(const Connection& connection, FlowDirection direction, NatSide side) {
  return connection.is(changed_bit(direction == kOriginal ? side : other_side(side)));
}

bool is_icmp_error(const FilterPacket& packet) {
  if (!is_related(flow_state_of(packet.packet))) return false;
  const auto headers = find_flow_headers(packet.packet, packet.family, 0);
  return headers && IpProtocol{headers->protocol} == (packet.family == IpFamily::V4 ? IpProtocol::Icmp : IpProtocol::Icmpv6);
}

// nf_nat_icmp_reply_translation().
FilterVerdict translate_icmp_error(FilterPacket& packet, const Connection& connection) {
  const auto headers = find_flow_headers(packet.packet, packet.family, 0);
  uint8_t type = 0;
  if (!headers || packet.packet.read(headers->transport_offset, MutableByteSpan(&type, 1)) != 1) return FilterVerdict::Drop;
  if (!is_transport_sum_sound(packet, headers->protocol, headers->transport_offset)) return FilterVerdict::Drop;
  const bool is_redirect =
      packet.family == IpFamily::V4 ? Icmp4Type{type} == Icmp4Type::Redirect : Icmp6Type{type} == Icmp6Type::Redirect;
  // A router's advice is about addresses that whom it is for does not know.
  if (is_redirect && ((connection.status & kBothNatDone) != kBothNatDone || connection.is(kEitherNat)))
    return FilterVerdict::Drop;
  const NatSide side = nat_side_of(packet.hook);
  const FlowDirection direction = direction_of(flow_state_of(packet.packet));
  if (!is_rewritten(connection, direction, side)) return FilterVerdict::Accept;
  const FlowTuple& other = connection.tuple(other_direction(direction));
  const auto target = other.inverted();
  if (!target) return FilterVerdict::Drop;
  return rewrite_icmp_error(packet, other, *target, side) ? FilterVerdict::Accept : FilterVerdict::Drop;
}

}  // namespace

Nat::Nat(ConnectionTable& table) : table_(table) {
  for (const IpFamily family : {IpFamily::V4, IpFamily::V6}) {
    for (size_t i = 0; i < kPlaceCount; ++i) {
      Hook& hook = hooks_[index_of(family)][i];
      hook.family = family;
      hook.hook = kPlaces[i];
      hook.priority = nat_side_of(kPlaces[i]) == NatSide::Source ? hook_priority::kSourceNat : hook_priority::kDestinationNat;
      hook.run = &Nat::translate;
      hook.nat = this;
    }
  }
}

Nat::~Nat() { ASSERT(users_[0] == 0 && users_[1] == 0); }

void Nat::add_rules_locked(PacketHooks& hooks, PacketHook& rules) {
  insert_by_priority(rules_[index_of(rules.family)][static_cast<size_t>(rules.hook)], rules);
  if (users_[index_of(rules.family)]++ != 0) return;
  for (Hook& hook : hooks_[index_of(rules.family)]) hooks.add_locked(hook);
}

void Nat::remove_rules_locked(PacketHooks& hooks, PacketHook& rules) {
  rules.chain_link.unlink();
  if (--users_[index_of(rules.family)] != 0) return;
  for (Hook& hook : hooks_[index_of(rules.family)]) hooks.remove_locked(hook);
}

FilterVerdict Nat::decide(FilterPacket& packet, const NatRange& range, NatSide side) {
  Connection* connection = connection_of(packet.packet);
  if (connection == nullptr) return FilterVerdict::Drop;
  if (connection->is(kConfirmed)) return FilterVerdict::Accept;
  if (connection->is(done_bit(side))) return FilterVerdict::Drop;
  const auto present = connection->tuple(kReply).inverted();
  if (!present) return FilterVerdict::Drop;
  const FlowTuple chosen = choose_tuple(table_, *connection, *present, range, side, packet.entry.now());
  if (chosen != *present) {
    const auto answer = chosen.inverted();
    if (!answer) return FilterVerdict::Drop;
    connection->sides[kReply].tuple = *answer;
    connection->status |= changed_bit(side);
  }
  connection->status |= done_bit(side);
  return FilterVerdict::Accept;
}

// nf_nat_alloc_null_binding(): its own address; the port changes only where another connection has taken it.
FilterVerdict Nat::keep_as_is(FilterPacket& packet, Connection& connection, NatSide side) {
  const FlowTuple& answer = connection.tuple(kReply);
  const IpAddress own = side == NatSide::Source ? answer.destination : answer.source;
  return decide(packet, {.flags = kNatMapAddresses, .first = own, .last = own}, side);
}

FilterVerdict Nat::ask_rules(FilterPacket& packet, Connection& connection, NatSide side) {
  for (PacketHook& rules : rules_[index_of(packet.family)][static_cast<size_t>(packet.hook)]) {
    const FilterVerdict verdict = rules.run(rules, packet);
    if (verdict != FilterVerdict::Accept) return verdict;
    if (connection.is(done_bit(side))) return FilterVerdict::Accept;
  }
  return keep_as_is(packet, connection, side);
}

// nf_nat_inet_fn().
FilterVerdict Nat::translate_whole(FilterPacket& packet, Connection& connection) {
  const NatSide side = nat_side_of(packet.hook);
  const FlowState state = flow_state_of(packet.packet);
  const FlowDirection direction = direction_of(state);
  const bool is_first = (state == FlowState::New || is_related(state)) && !connection.is(done_bit(side));
  if (is_first) {
    const FilterVerdict verdict = ask_rules(packet, connection, side);
    if (verdict != FilterVerdict::Accept) return verdict;
  } else if (connection.masquerade_interface != 0 && packet.hook == FilterHook::PostRouting && direction == kOriginal &&
             packet.output != nullptr && packet.output->index() != connection.masquerade_interface) {
    // It leaves elsewhere now, where its address is not ours.
    table_.remove(connection);
    return FilterVerdict::Drop;
  }
  if (!is_rewritten(connection, direction, side)) return FilterVerdict::Accept;
  const auto target = connection.tuple(other_direction(direction)).inverted();
  return target && rewrite_packet(packet, *target, side) ? FilterVerdict::Accept : FilterVerdict::Drop;
}

FilterVerdict Nat::translate(PacketHook& hook, FilterPacket& packet) {
  const Ref<PacketFlow> flow = packet.packet.flow;
  Connection* connection = connection_of(packet.packet);
  if (connection == nullptr) return FilterVerdict::Accept;
  if (is_icmp_error(packet)) {
    const FilterVerdict verdict = translate_icmp_error(packet, *connection);
    if (verdict != FilterVerdict::Accept) return verdict;
  } else {
    const FilterVerdict verdict = static_cast<Hook&>(hook).nat->translate_whole(packet, *connection);
    if (verdict != FilterVerdict::Accept) return verdict;
  }
  if (packet.hook == FilterHook::LocalOut) {
    const FlowDirection direction = direction_of(flow_state_of(packet.packet));
    packet.wants_other_route |= connection->tuple(direction).destination != connection->tuple(other_direction(direction)).source;
  }
  return FilterVerdict::Accept;
}

void Nat::forget_masqueraded(uint32_t interface_index, const IpAddress* address) {
  table_.for_each([&](Connection& connection) {
    if (connection.masquerade_interface != interface_index) return;
    if (address == nullptr || connection.tuple(kReply).destination == *address) table_.remove(connection);
  });
}

}  // namespace lxnet
