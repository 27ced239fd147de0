// Receiving IPv4 (RFC 791, RFC 1122 section 3.2.1).
//
// In Linux's order (net/ipv4/ip_input.c): header, checksum, lengths, route, options, then delivery or forwarding.
#include "stack/conntrack/connection.hh"
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/ip/options4.hh"
#include "stack/ip/output_internal.hh"
#include "stack/ip/transport.hh"
#include "stack/raw/raw_input.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {

namespace {

void drop_bad_header(Entry& entry, Ref<Packet> packet, DropReason reason) {
  count(entry, Mib::IpInHdrErrors);
  drop(entry, std::move(packet), reason);
}

// The header is whole and right, and the packet ends where it says; or the packet is gone and null comes back.
Ref<Packet> check_header(Entry& entry, Ref<Packet> packet) {
  const auto parsed = packet->header<Ipv4Header>();
  if (!parsed.is_ok()) {
    count(entry, Mib::IpInReceives);
    drop_bad_header(entry, std::move(packet), DropReason::IpHeader);
    return nullptr;
  }
  const auto* header = reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  ip4_count_received(entry, packet->size(), header->type_of_service);
  const size_t header_size = header->header_size();
  if (!packet->pull_up(header_size).is_ok()) {
    drop_bad_header(entry, std::move(packet), DropReason::IpHeader);
    return nullptr;
  }
  header = reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  // What never left the host was summed by us.
  if (!packet->is_routed_to_us && !Ipv4Header::is_checksum_valid(packet->linear(), header_size)) {
    count(entry, Mib::IpExtInCsumErrors);
    drop_bad_header(entry, std::move(packet), DropReason::IpChecksum);
    return nullptr;
  }
  if (!header->is_length_valid(packet->size())) {
    if (header->total_length.get() >= header_size) {
      count(entry, Mib::IpExtInTruncatedPkts);
      drop(entry, std::move(packet), DropReason::IpTruncated);
    } else {
      drop_bad_header(entry, std::move(packet), DropReason::IpHeader);
    }
    return nullptr;
  }
  packet->trim(header->total_length.get());  // a link pads short frames
  return packet;
}

// Record route and time stamps show the address a packet came to (RFC 1122, 3.2.1.8 d, e): its destination where that is ours
// alone, else the one its sender knows us by.
Ipv4Address address_on_arrival(Entry& entry, const IpInfo& info, RouteKind kind) {
  if (kind == RouteKind::Local) return info.destination.v4();
  auto back = entry.stack().routes().lookup(entry, {.destination = info.source});
  return back.is_ok() ? back.take().source.v4() : Ipv4Address();
}

// Options are looked at once it is known where the packet goes, which they may change. Null comes back: the packet is gone.
Ref<Packet> accept_options(Entry& entry, Ref<Packet> packet, Interface* input, Route& route) {
  const IpInfo& info = ip_info(*packet);
  if (info.options_size == 0) return packet;
  uint8_t bad_position = 0;
  auto received = ip4_receive_options(entry, *packet, address_on_arrival(entry, info, route.kind), bad_position);
  if (!received.is_ok()) {
    icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::ParameterProblem), 0, uint32_t{bad_position} << 24);
    drop_bad_header(entry, std::move(packet), DropReason::IpOptions);
    return nullptr;
  }
  const Ipv4Options options = received.take();
  if (!options.has_source_route()) return packet;
  if (input != nullptr && ip4_follow_source_route(entry, *packet, options, *input, route).is_ok()) return packet;
  drop(entry, std::move(packet), DropReason::IpSourceRoute);
  return nullptr;
}

// The same of what the route it left by led to us.
Ref<Packet> accept_options_of_turned(Entry& entry, Ref<Packet> packet, Interface* input) {
  const IpInfo& info = ip_info(*packet);
  Route route;
  route.kind = info.is_multicast ? RouteKind::Multicast : info.is_broadcast ? RouteKind::Broadcast : RouteKind::Local;
  packet = accept_options(entry, std::move(packet), input, route);
  if (!packet || route.kind != RouteKind::Unicast) return packet;
  ip4_forward(entry, std::move(packet), route, *input);
  return nullptr;
}

// RFC 1122, 3.2.1.3 and RFC 1812, 5.3.7: sources and destinations that cannot be.
bool is_martian(Ipv4Address source, Ipv4Address destination, const Interface& input) {
  if (source.is_multicast() || source.is_broadcast()) return true;
  if (destination.is_broadcast() || (source.is_unspecified() && destination.is_unspecified())) return false;
  if (source.is_zero_network() || destination.is_zero_network()) return true;
  // On lo as well: what we send ourselves was routed then, and only what a program put on the wire comes here (Linux).
  return (source.is_loopback() || destination.is_loopback()) && input.settings().v4.route_localnet == 0;
}

void drop_unroutable(Entry& entry, Ref<Packet> packet, Errno error, const Interface& input) {
  if (error == Errno::EINVAL) return drop(entry, std::move(packet), DropReason::IpMartianSource);
  if (!forwards4(entry, input)) {
    count(entry, error == Errno::ENETUNREACH ? Mib::IpExtInNoRoutes : Mib::IpInAddrErrors);
    return drop(entry, std::move(packet), DropReason::NotForUs);
  }
  Icmp4Unreachable code = Icmp4Unreachable::Host;
  if (error == Errno::ENETUNREACH) {
    count(entry, Mib::IpExtInNoRoutes);
    code = Icmp4Unreachable::Network;
  } else if (error == Errno::EACCES) {
    code = Icmp4Unreachable::CommunicationProhibited;
  }
  icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable), static_cast<uint8_t>(code), 0);
  drop(entry, std::move(packet), DropReason::IpNoRoute);
}

// IGMP is heard whatever the sources asked for.
bool is_wanted_group(Entry& entry, const IpInfo& info, const Interface& input) {
  const bool is_igmp = IpProtocol{info.protocol} == IpProtocol::Igmp;
  return entry.stack().memberships().accepts(input, info.destination, is_igmp ? IpAddress(Ipv4Address()) : info.source);
}

void receive_multicast(Entry& entry, Ref<Packet> packet, Interface& input) {
  const IpInfo& info = ip_info(*packet);
  count(entry, Mib::IpExtInMcastPkts);
  count(entry, Mib::IpExtInMcastOctets, packet->size());
  const Ipv4Address source = info.source.v4();
  const bool is_igmp = IpProtocol{info.protocol} == IpProtocol::Igmp;
  const bool may_be_unnumbered = is_igmp || info.destination.v4().is_local_multicast();
  if (is_martian(source, Ipv4Address::broadcast(), input) || (source.is_zero_network() && !may_be_unnumbered) ||
      (source.is_loopback() && input.settings().v4.route_localnet == 0)) {
    return drop(entry, std::move(packet), DropReason::IpMartianSource);
  }
  if (!is_wanted_group(entry, info, input)) {
    return drop(entry, std::move(packet), DropReason::MulticastNotMember);
  }
  Route route{.kind = RouteKind::Multicast};
  packet = accept_options(entry, std::move(packet), &input, route);
  if (packet) ip4_deliver(entry, std::move(packet));
}

void receive_unicast(Entry& entry, Ref<Packet> packet, Interface& input) {
  const IpInfo& info = ip_info(*packet);
  if (is_martian(info.source.v4(), info.destination.v4(), input)) {
    return drop(entry, std::move(packet), DropReason::IpMartianSource);
  }
  const FlowKey key{
      .source = info.source, .destination = info.destination, .mark = packet->mark, .protocol = info.protocol, .tos = info.tos};
  auto looked_up = entry.stack().routes().lookup_input(entry, key, input);
  if (!looked_up.is_ok()) return drop_unroutable(entry, std::move(packet), looked_up.error(), input);
  Route route = looked_up.take();
  packet = accept_options(entry, std::move(packet), &input, route);
  if (!packet) return;
  if (route.kind == RouteKind::Unicast) return ip4_forward(entry, std::move(packet), route, input);
  ip_info(*packet).is_broadcast = route.kind == RouteKind::Broadcast;
  if (route.kind == RouteKind::Broadcast) {
    count(entry, Mib::IpExtInBcastPkts);
    count(entry, Mib::IpExtInBcastOctets, packet->size());
  }
  ip4_deliver(entry, std::move(packet));
}

}  // namespace

void ip4_fill_info(Packet& packet) {
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.linear().data());
  packet.control<IpInfo>() = IpInfo{.source = header.source,
                                    .destination = header.destination,
                                    .interface_index = packet.interface_index,
                                    .protocol = header.protocol,
                                    .ttl = header.time_to_live,
                                    .tos = header.type_of_service,
                                    .is_broadcast = packet.is_routed_to_us && packet.is_routed_to_many,
                                    .is_multicast = header.destination.is_multicast(),
                                    .header_size = static_cast<uint16_t>(header.header_size()),
                                    .options_size = static_cast<uint16_t>(header.header_size() - sizeof(Ipv4Header))};
}

void ip4_receive(Entry& entry, Ref<Packet> received, Interface* input) {
  if (received->is_for_other_host) return drop(entry, std::move(received), DropReason::NotForUs);
  Ref<Packet> packet = check_header(entry, std::move(received));
  if (!packet) return;
  packet->mark_network_header();
  ip4_fill_info(*packet);
  if (entry.stack().hooks().is_active(IpFamily::V4, hook_bit(FilterHook::PreRouting))) [[unlikely]] {
    packet = ip4_gather(entry, std::move(packet));
    if (!packet) return;
    packet = filter_received(entry, std::move(packet), IpFamily::V4, FilterHook::PreRouting, input);
    if (!packet) return;
  }
  if (packet->is_routed_to_us) {
    const IpInfo& info = ip_info(*packet);
    // Pieces may be joined on the way to one address and sent to another's.
    if (info.is_multicast && packet->is_routed_to_group && (input == nullptr || !is_wanted_group(entry, info, *input)))
      return drop(entry, std::move(packet), DropReason::MulticastNotMember);
    packet = accept_options_of_turned(entry, std::move(packet), input);
    if (packet) ip4_deliver(entry, std::move(packet));
    return;
  }
  if (input == nullptr) return drop(entry, std::move(packet), DropReason::InterfaceDown);
  if (ip_info(*packet).is_multicast) return receive_multicast(entry, std::move(packet), *input);
  receive_unicast(entry, std::move(packet), *input);
}

void ip4_deliver(Entry& entry, Ref<Packet> packet) {
  if (reinterpret_cast<const Ipv4Header*>(packet->linear().data())->is_fragment()) {
    packet = ip4_reassemble(entry, std::move(packet));
    if (!packet) return;
  }
  if (entry.stack().hooks().is_active(IpFamily::V4, hook_bit(FilterHook::LocalIn))) [[unlikely]] {
    const Ref<Interface> input = entry.stack().interfaces().find(packet->interface_index);
    packet = filter_received(entry, std::move(packet), IpFamily::V4, FilterHook::LocalIn, input.get());
    if (!packet) return;
    forget_flow(*packet);
  }
  const IpInfo& info = ip_info(*packet);
  packet->consume(info.header_size);
  packet->mark_transport_header();
  const bool has_raw_socket = entry.stack().sockets().has_raw(DemuxSpace::Raw4) && raw_receive(entry, *packet);
  const TransportProtocol* transport = find_transport(IpFamily::V4, info.protocol);
  if (transport != nullptr) {
    count(entry, Mib::IpInDelivers);
    return transport->receive(entry, std::move(packet));
  }
  if (has_raw_socket) return count(entry, Mib::IpInDelivers);
  count(entry, Mib::IpInUnknownProtos);
  icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                   static_cast<uint8_t>(Icmp4Unreachable::Protocol), 0);
  drop(entry, std::move(packet), DropReason::IpUnknownProtocol);
}

}  // namespace lxnet
