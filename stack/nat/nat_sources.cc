#include "stack/nat/nat_sources.hh"

#include "stack/conntrack/connection_tracker.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

FilterVerdict map_to(FilterPacket& packet, NatRange range, const IpAddress& address, NatSide side) {
  range.flags |= kNatMapAddresses;
  range.first = range.last = address;
  return packet.entry.stack().connections().tracker()->nat().decide(packet, range, side);
}

std::optional<IpAddress> address_behind(const FilterPacket& packet) {
  RouteTable& routes = packet.entry.stack().routes();
  if (packet.output == nullptr) return std::nullopt;
  if (packet.family == IpFamily::V4) {
    const IpAddress towards = packet.next_hop != nullptr ? *packet.next_hop : packet.destination_address();
    auto selected = routes.select_source(*packet.output, towards.v4(), AddressScope::Universe);
    if (!selected.is_ok()) return std::nullopt;
    return selected.take();
  }
  auto selected = routes.select_source(packet.output, packet.destination_address().v6());
  if (!selected.is_ok()) return std::nullopt;
  return selected.take();
}

// nf_nat_redirect_ipv6_usable(): an address that reaches as far as the packet's destination.
bool is_usable6(const InterfaceAddress& own, Ipv6Scope scope) {
  return !own.address.is_v4() && own.is_usable() && own.address.v6().scope() == scope;
}

std::optional<IpAddress> address_of_input(const FilterPacket& packet) {
  if (packet.input == nullptr) return std::nullopt;
  const bool is_v4 = packet.family == IpFamily::V4;
  const Ipv6Scope scope = packet.destination_address().v6().scope();
  std::optional<IpAddress> found;
  packet.entry.stack().interfaces().any_address(*packet.input, [&](const InterfaceAddress& own) {
    const bool is_right = is_v4 ? own.address.is_v4() : is_usable6(own, scope);
    if (is_right) found = own.address;
    return is_right;
  });
  return found;
}

}  // namespace

FilterVerdict masquerade(FilterPacket& packet, NatRange range) {
  Connection* connection = connection_of(packet.packet);
  if (connection == nullptr) return FilterVerdict::Drop;
  // Who has no address yet asks for one.
  if (packet.family == IpFamily::V4 && connection->tuple(kOriginal).source.is_unspecified()) return FilterVerdict::Accept;
  const std::optional<IpAddress> own = address_behind(packet);
  if (!own) return FilterVerdict::Drop;
  if (!connection->is(kConfirmed)) connection->masquerade_interface = packet.output->index();
  return map_to(packet, range, *own, NatSide::Source);
}

FilterVerdict redirect(FilterPacket& packet, NatRange range) {
  std::optional<IpAddress> own;
  if (packet.hook == FilterHook::LocalOut) {
    own = packet.family == IpFamily::V4 ? IpAddress(Ipv4Address::loopback()) : IpAddress(Ipv6Address::loopback());
  } else {
    own = address_of_input(packet);
  }
  if (!own) return FilterVerdict::Drop;
  return map_to(packet, range, *own, NatSide::Destination);
}

}  // namespace lxnet
