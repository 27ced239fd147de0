// Sending IPv6 (RFC 8200).
//
// Flow labels follow Linux: a socket's own, or one made from the flow's hash (RFC 6438), which is what net.ipv6.auto_flowlabels =
// 1 means. Hop-by-hop jumbo payloads (RFC 2675) are not implemented.
#include <algorithm>

#include "stack/icmp/icmp_state.hh"
#include "stack/ip/output_internal.hh"
#include "stack/ip/turn_around.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/segment_routing.hh"

namespace lxnet {

namespace {

bool may_cut(const IpSendOptions& options) {
  return options.may_fragment_locally && (options.path_mtu < PathMtuMode::Do || options.path_mtu == PathMtuMode::Omit);
}

uint32_t choose_flow_label(Entry& entry, const Packet& packet, const Route& route, const IpSendOptions& options) {
  if (options.flow_label != 0) return options.flow_label & 0xf'ffff;
  const int32_t mode = entry.stack().tunables().values().ipv6_auto_flowlabels;
  if (mode == 0 || (!options.auto_flow_label && mode != 3)) return 0;
  return entry.stack().ip().flow_label(packet, route, options.protocol);
}

uint8_t choose_hop_limit(const Route& route, const IpSendOptions& options) {
  if (options.ttl != 0 || options.stays_on_host) return options.ttl;
  if (route.kind == RouteKind::Multicast) return 1;
  if (route.hop_limit != 0) return route.hop_limit;
  return static_cast<uint8_t>(route.output->settings().v6.hop_limit);
}

// The extension headers before the transport's, the last one of them pointing to it.
void push_extensions(Packet& packet, const IpSendOptions& options) {
  const MutableByteSpan to = packet.push_header(options.options.size());
  copy_bytes(to, options.options);
  size_t at = 0;
  // Every header but the fragment header, which is not among them, says its size the same way.
  for (size_t size = 8u * (to[at + 1] + 1u); at + size < to.size(); size = 8u * (to[at + 1] + 1u)) at += size;
  to[at] = options.protocol;
  if (!options.final_destination.is_v4() && !options.final_destination.is_unspecified())
    set_last_segment(to, options.options_first_header, options.final_destination.v6());
}

}  // namespace

Result<> ip6_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options) {
  const size_t header_size = sizeof(Ipv6Header) + options.options.size();
  const size_t payload = options.options.size() + packet->size();
  if (payload > Ipv6Header::kMaxPayloadSize) return Errno::EMSGSIZE;
  const uint32_t mtu = ip_send_mtu(route, options.path_mtu);
  // IPV6_MTU says how what must be cut is cut, not what must be.
  const uint32_t cut = options.largest_packet != 0 ? std::min(options.largest_packet, mtu) : mtu;
  const bool fits = sizeof(Ipv6Header) + payload <= mtu;
  if (!fits && packet->segmentation == SegmentationKind::None && !may_cut(options)) return Errno::EMSGSIZE;
  TRY(packet->ensure_headroom(header_size));

  const Ipv6PacketHeader header{
      .source = route.source.v6(),
      .destination = route.destination.v6(),
      .next_header = IpProtocol{options.options.empty() ? options.protocol : options.options_first_header},
      .hop_limit = choose_hop_limit(route, options),
      .traffic_class = options.tos,
      .flow_label = choose_flow_label(entry, *packet, route, options),
      .payload_length = static_cast<uint16_t>(payload)};
  packet->mark_transport_header();
  if (!options.options.empty()) push_extensions(*packet, options);
  header.emit(packet->push_header(sizeof(Ipv6Header)));
  packet->checksum_start = static_cast<uint16_t>(header_size);
  count(entry, Mib::Ip6OutRequests);
  return ip6_dispatch(
      entry, std::move(packet), route,
      {.mtu = mtu, .cut = cut, .multicast_loop = options.multicast_loop ? MulticastLoop::Yes : MulticastLoop::No});
}

namespace {

void count_sent(Entry& entry, const Packet& packet, RouteKind kind) {
  count(entry, Mib::Ip6OutTransmits);
  count(entry, Mib::Ip6OutOctets, packet.size());
  if (kind != RouteKind::Multicast) return;
  count(entry, Mib::Ip6OutMcastPkts);
  count(entry, Mib::Ip6OutMcastOctets, packet.size());
}

}  // namespace

bool ip6_wants_copy(Entry& entry, const Packet& packet, const Route& route, const IpDispatch& how) {
  const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
  if (!header.destination.is_multicast() || route.output->is_loopback() || how.multicast_loop == MulticastLoop::No) return false;
  return entry.stack().memberships().accepts(*route.output, header.destination, header.source);
}

namespace {

// Copies a multicast packet back to us where we listen; whether it goes on to the link.
bool leaves_host(Entry& entry, const Packet& packet, const Route& route, const IpDispatch& how) {
  const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
  if (!header.destination.is_multicast() || route.output->is_loopback()) return true;
  if (ip6_wants_copy(entry, packet, route, how)) {
    if (!how.is_copied) ip_loop_back(entry, packet, route);
    if (header.hop_limit == 0) return false;
  }
  return header.destination.scope() > Ipv6Scope::InterfaceLocal;
}

}  // namespace

Result<> ip6_dispatch(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  packet->mark_network_header();
  packet->link_protocol = 0x86dd;
  if (entry.stack().hooks().is_active(IpFamily::V6, kOutputHooks)) [[unlikely]]
    return ip_dispatch_filtered(entry, std::move(packet), route, how);
  return ip6_leave(entry, std::move(packet), route, how);
}

namespace {

// A route to elsewhere through lo: Linux answers instead of sending in a circle, and the sender's call succeeds.
Result<> refuse(Entry& entry, const Packet& packet) {
  count(entry, Mib::Ip6OutNoRoutes);
  icmp6_send_error(entry, packet, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable),
                   static_cast<uint8_t>(Icmp6Unreachable::NoRoute), 0);
  return ok();
}

}  // namespace

Result<> ip6_leave(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  packet->is_routed_to_us = route.kind == RouteKind::Local || (route.kind != RouteKind::Unicast && route.output->is_loopback());
  if (route.kind == RouteKind::Unicast && route.output->is_loopback()) return refuse(entry, *packet);
  if (!leaves_host(entry, *packet, route, how)) return ok();
  if (packet->size() > how.mtu && packet->segmentation == SegmentationKind::None) {
    return ip6_fragment(entry, std::move(packet), route, how.cut != 0 ? how.cut : how.mtu);
  }
  count_sent(entry, *packet, route.kind);
  if (may_turn_around(entry, *packet, route, IpFamily::V6)) {
    ip_turn_around(entry, std::move(packet), *route.output);
  } else {
    route.output->output(entry, std::move(packet), route.next_hop);
  }
  return ok();
}

}  // namespace lxnet
