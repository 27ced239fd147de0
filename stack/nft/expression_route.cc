// rt and fib: what the routing tables say of a packet's addresses.
#include "stack/nft/expression_meta.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

IpAddress address_of(const uint32_t (&words)[4], IpFamily family) {
  if (family == IpFamily::V4) {
    Ipv4Address address;
    memcpy(&address, words, sizeof address);
    return address;
  }
  Ipv6Address address;
  memcpy(&address, words, sizeof address);
  return address;
}

// Linux asks the packet's own route, which who receives at PREROUTING does not have but on loopback.
bool find_route(const NftPacket& packet, bool backwards, Result<Route>& found) {
  const FilterPacket& seen = packet.seen;
  FlowKey key{.mark = seen.packet.mark, .may_use_foreign_source = true};
  key.destination = address_of(backwards ? seen.source : seen.destination, seen.family);
  if (key.destination.is_link_local() || key.destination.is_multicast()) {
    const Interface* link = seen.output != nullptr ? seen.output : seen.input;
    if (link != nullptr) key.output_interface = link->index();
  }
  new (&found) Result<Route>(seen.entry.stack().routes().lookup(seen.entry, key));
  return found.is_ok();
}

uint32_t mtu_of(const Route& route) { return route.mtu != 0 ? route.mtu : route.output->mtu(); }

}  // namespace

void evaluate_route(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftRoute>(self);
  const FilterPacket& seen = packet.seen;
  const bool is_v4 = seen.family == IpFamily::V4;
  if (seen.hook == FilterHook::PreRouting && (seen.input == nullptr || !seen.input->is_loopback())) return registers.break_rule();
  if (own.key == NftRouteKey::Realm) return registers.set32(own.to, 0);
  if (own.key == NftRouteKey::HasTransform) return registers.set8(own.to, 0);
  if (own.key == (is_v4 ? NftRouteKey::NextHop6 : NftRouteKey::NextHop4)) return registers.break_rule();
  Result<Route> found(Errno::ENETUNREACH);
  if (!find_route(packet, false, found)) return registers.break_rule();
  const Route route = found.take();
  if (own.key != NftRouteKey::SegmentSize) {
    if (is_v4) {
      const Ipv4Address hop = route.next_hop.v4();
      memcpy(registers.bytes(own.to), &hop, sizeof hop);
    } else {
      memcpy(registers.bytes(own.to), &route.next_hop.v6(), 16);
    }
    return;
  }
  constexpr uint32_t kDefault = 536;
  uint32_t mtu = mtu_of(route);
  Result<Route> back(Errno::ENETUNREACH);
  if (find_route(packet, true, back)) {
    const uint32_t other = mtu_of(back.take());
    if (other < mtu) mtu = other;
  }
  const uint32_t headers = is_v4 ? 40 : 60;
  registers.set16(own.to, static_cast<uint16_t>(mtu <= headers || mtu > 0xffff ? kDefault : mtu - headers));
}

namespace {

void store_interface(const NftFib& own, NftRegisters& registers, const Interface* interface) {
  if ((own.flags & kNftFibPresent) != 0) return registers.set8(own.to, interface != nullptr ? 1 : 0);
  if (own.result == NftFibResult::OutputName) return registers.set_name(own.to, interface == nullptr ? "" : interface->name());
  registers.set32(own.to, interface == nullptr ? 0 : interface->index());
}

const Interface* asked_interface(const NftFib& own, const FilterPacket& seen) {
  if ((own.flags & kNftFibInput) != 0) return seen.input;
  return (own.flags & kNftFibOutput) != 0 ? seen.output : nullptr;
}

IpAddress asked_address(const NftFib& own, const FilterPacket& seen) {
  return address_of((own.flags & kNftFibDestination) != 0 ? seen.destination : seen.source, seen.family);
}

// IPv6 asks a route, and what it may not go is a type too.
RouteType type6(const NftFib& own, const FilterPacket& seen, const IpAddress& address) {
  const Interface* only = asked_interface(own, seen);
  if (address.is_multicast()) return RouteType::Multicast;
  FibQuery query{.destination = address};
  if ((own.flags & kNftFibMark) != 0) query.mark = seen.packet.mark;
  if (address.is_link_local() && (only != nullptr || seen.input != nullptr)) {
    query.output_interface = (only != nullptr ? only : seen.input)->index();
  }
  const RouteTable& routes = seen.entry.stack().routes();
  const RouteType own_type = routes.address_type(address, only == nullptr ? 0 : only->index());
  if (own_type == RouteType::Local || own_type == RouteType::Anycast) return own_type;
  auto found = routes.find(query);
  if (!found.is_ok()) return RouteType::Unreachable;
  const RouteType type = found.take().type;
  if (type == RouteType::Blackhole || type == RouteType::Prohibit || type == RouteType::Unreachable) return type;
  return address.is_unspecified() ? RouteType::Unspecified : RouteType::Unicast;
}

void evaluate_type(const NftFib& own, NftRegisters& registers, const FilterPacket& seen) {
  const IpAddress address = asked_address(own, seen);
  if (seen.family == IpFamily::V6) return registers.set32(own.to, static_cast<uint32_t>(type6(own, seen, address)));
  const Interface* only = asked_interface(own, seen);
  const RouteType type = seen.entry.stack().routes().address_type(address, only == nullptr ? 0 : only->index());
  registers.set32(own.to, static_cast<uint32_t>(type));
}

// What comes back from loopback needs no way to its sender.
bool needs_no_lookup(const FilterPacket& seen) {
  return seen.hook != FilterHook::Forward && seen.input != nullptr && seen.input->is_loopback();
}

}  // namespace

void evaluate_fib(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftFib>(self);
  const FilterPacket& seen = packet.seen;
  if (own.result == NftFibResult::AddressType) return evaluate_type(own, registers, seen);
  if (needs_no_lookup(seen)) return store_interface(own, registers, seen.input);
  const Interface* only = asked_interface(own, seen);
  FibQuery query{.destination = asked_address(own, seen), .protocol = packet.protocol, .tos = seen.type_of_service};
  if ((own.flags & kNftFibMark) != 0) query.mark = seen.packet.mark;
  if (seen.family == IpFamily::V6 && query.destination.is_link_local()) {
    const Interface* link = only != nullptr ? only : seen.input;
    if (link != nullptr) query.output_interface = link->index();
  }
  auto found = seen.entry.stack().routes().find(query);
  if (!found.is_ok()) return store_interface(own, registers, nullptr);
  const FibResult result = found.take();
  const bool is_way = result.type == RouteType::Unicast && result.output;
  const bool is_asked = only == nullptr || (result.output && result.output.get() == only);
  store_interface(own, registers, is_way && is_asked ? result.output.get() : nullptr);
}

}  // namespace lxnet
