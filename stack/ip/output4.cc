// Sending IPv4 (RFC 791, 1122, 1191).
//
// Don't Fragment and the identification follow Linux (net/ipv4/ip_output.c): a datagram that fits asks for path-MTU discovery,
// one that does not is cut here unless the socket forbade it; a packet nobody may cut needs no identification.
#include <algorithm>

#include "stack/icmp/icmp_state.hh"
#include "stack/ip/options4.hh"
#include "stack/ip/output_internal.hh"
#include "stack/ip/turn_around.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {

namespace {

bool ignores_df(PathMtuMode mode) { return mode < PathMtuMode::Do || mode == PathMtuMode::Omit; }

bool may_cut(const IpSendOptions& options) { return options.may_fragment_locally && ignores_df(options.path_mtu); }

bool wants_df(const IpSendOptions& options, bool fits, bool is_locked) {
  switch (options.path_mtu) {
    case PathMtuMode::Do:
    case PathMtuMode::Probe:
      return true;
    case PathMtuMode::Want:
      // What may not be cut here (TCP) is sized to the path and so always discovers it.
      return (fits || !options.may_fragment_locally) && !is_locked;
    default:
      return false;
  }
}

uint8_t choose_ttl(Entry& entry, const Route& route, const IpSendOptions& options) {
  if (options.ttl != 0 || options.stays_on_host) return options.ttl;
  if (route.kind == RouteKind::Multicast) return 1;
  if (route.hop_limit != 0) return route.hop_limit;
  return static_cast<uint8_t>(entry.stack().tunables().values().ip_default_ttl);
}

uint32_t segments_of(const Packet& packet) {
  if (packet.segmentation == SegmentationKind::None || packet.segment_size == 0) return 1;
  return static_cast<uint32_t>((packet.size() + packet.segment_size - 1) / packet.segment_size);
}

uint16_t choose_identification(Entry& entry, const Packet& packet, const Route& route, const IpSendOptions& options, bool df) {
  if (options.has_identification) return options.identification;
  if (df && !may_cut(options)) return 0;
  return entry.stack().ip().identification().next_v4(entry.now(), route.source.v4(), route.destination.v4(), options.protocol,
                                                     segments_of(packet));
}

// The socket's options with our address, the time and the end of the route in their places.
Ipv4Options fill_options(Entry& entry, const Route& route, const IpSendOptions& send) {
  Ipv4Options options = *send.v4_options;
  ip4_record(entry, options, route.source.v4());
  if (options.has_source_route() && send.final_destination.is_v4()) options.finish_source_route(send.final_destination.v4());
  return options;
}

void count_sent(Entry& entry, const Packet& packet, RouteKind kind) {
  count(entry, Mib::IpOutTransmits);
  count(entry, Mib::IpExtOutOctets, packet.size());
  if (kind == RouteKind::Multicast) {
    count(entry, Mib::IpExtOutMcastPkts);
    count(entry, Mib::IpExtOutMcastOctets, packet.size());
  } else if (kind == RouteKind::Broadcast) {
    count(entry, Mib::IpExtOutBcastPkts);
    count(entry, Mib::IpExtOutBcastOctets, packet.size());
  }
}

// Copies for ourselves, fragments, and out. Inlined like the next two: every packet goes this way, and none of them stops here.
[[gnu::always_inline]] inline Result<> leave(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  packet->is_routed_to_us = route.kind == RouteKind::Local || route.output->is_loopback();
  packet->is_routed_to_many = route.kind == RouteKind::Broadcast;
  packet->is_routed_to_group = route.kind == RouteKind::Multicast;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  if (route.kind == RouteKind::Broadcast || route.kind == RouteKind::Multicast) [[unlikely]] {
    if (!how.is_copied && ip4_wants_copy(entry, *packet, route, how)) ip_loop_back(entry, *packet, route);
    // RFC 1112, 6.1: a time to live of 0 restricts a datagram to the host.
    if (route.kind == RouteKind::Multicast && header.time_to_live == 0) return ok();
  }
  if (packet->size() > how.mtu && packet->segmentation == SegmentationKind::None) {
    if (header.dont_fragment() && !how.may_cut_despite_df) {
      count(entry, Mib::IpFragFails);
      return Errno::EMSGSIZE;
    }
    return ip4_fragment(entry, std::move(packet), route, how.mtu);
  }
  count_sent(entry, *packet, route.kind);
  if (may_turn_around(entry, *packet, route, IpFamily::V4)) {
    ip_turn_around(entry, std::move(packet), *route.output);
  } else {
    route.output->output(entry, std::move(packet), route.next_hop);
  }
  return ok();
}

[[gnu::always_inline]] inline Result<> dispatch(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  packet->mark_network_header();
  packet->link_protocol = 0x0800;
  if (entry.stack().hooks().is_active(IpFamily::V4, kOutputHooks)) [[unlikely]]
    return ip_dispatch_filtered(entry, std::move(packet), route, how);
  return leave(entry, std::move(packet), route, how);
}

// More than a header can say, but not more than the link takes: ip_finish_output() would cut it. Where the program says itself
// what fits it may not, and is told so as if by a router; else what is put together again is too much for a packet.
[[gnu::noinline]] Result<> refuse_oversized(Entry& entry, Packet& packet, const Route& route, const IpSendOptions& options,
                                            ByteSpan ip_options) {
  const size_t header_size = sizeof(Ipv4Header) + ip_options.size();
  if (header_size + packet.size() > route.output->mtu()) return Errno::EMSGSIZE;
  if (options.path_mtu == PathMtuMode::Interface) return ok();
  if (options.path_mtu != PathMtuMode::Probe) return Errno::EMSGSIZE;
  TRY(packet.ensure_headroom(header_size));
  const Ipv4PacketHeader header{.source = route.source.v4(),
                                .destination = route.destination.v4(),
                                .protocol = IpProtocol{options.protocol},
                                .time_to_live = choose_ttl(entry, route, options),
                                .type_of_service = options.tos,
                                .dont_fragment = true,
                                .total_length = static_cast<uint16_t>(header_size + packet.size()),
                                .options = ip_options};
  header.emit(packet.push_header(header_size));
  packet.mark_network_header();
  packet.is_routed_to_us = route.kind == RouteKind::Local;
  icmp4_send_error(entry, packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                   static_cast<uint8_t>(Icmp4Unreachable::FragmentationNeeded), Ipv4Header::kMaxPacketSize);
  return Errno::EMSGSIZE;
}

[[gnu::always_inline]] inline Result<> send_with(Entry& entry, Ref<Packet> packet, const Route& route,
                                                 const IpSendOptions& options, ByteSpan ip_options) {
  const size_t header_size = sizeof(Ipv4Header) + ip_options.size();
  const size_t size = header_size + packet->size();
  if (size > Ipv4Header::kMaxPacketSize) [[unlikely]]
    return refuse_oversized(entry, *packet, route, options, ip_options);
  const uint32_t mtu = ip_send_mtu(route, options.path_mtu);
  const bool fits = size <= mtu;
  if (!fits && packet->segmentation == SegmentationKind::None && !may_cut(options)) return Errno::EMSGSIZE;
  TRY(packet->ensure_headroom(header_size));

  const bool df = wants_df(options, fits, route.is_mtu_locked);
  const Ipv4PacketHeader header{.source = route.source.v4(),
                                .destination = route.destination.v4(),
                                .protocol = IpProtocol{options.protocol},
                                .time_to_live = choose_ttl(entry, route, options),
                                .type_of_service = options.tos,
                                .dont_fragment = df,
                                .identification = choose_identification(entry, *packet, route, options, df),
                                .total_length = static_cast<uint16_t>(size),
                                .options = ip_options};
  packet->mark_transport_header();
  header.emit(packet->push_header(header_size));
  packet->checksum_start = static_cast<uint16_t>(header_size);
  count(entry, Mib::IpOutRequests);
  return dispatch(entry, std::move(packet), route,
                  {.mtu = mtu,
                   .may_cut_despite_df = may_cut(options),
                   .multicast_loop = options.multicast_loop ? MulticastLoop::Yes : MulticastLoop::No});
}

}  // namespace

Result<> ip4_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options) {
  if (options.v4_options == nullptr) [[likely]]
    return send_with(entry, std::move(packet), route, options, ByteSpan());
  const Ipv4Options filled = fill_options(entry, route, options);
  return send_with(entry, std::move(packet), route, options, filled.bytes());
}

bool ip4_wants_copy(Entry& entry, const Packet& packet, const Route& route, const IpDispatch& how) {
  if (route.output->is_loopback()) return false;
  if (route.kind == RouteKind::Broadcast) return true;
  if (route.kind != RouteKind::Multicast || how.multicast_loop == MulticastLoop::No) return false;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.linear().data());
  return entry.stack().memberships().accepts(*route.output, header.destination, header.source);
}

Result<> ip4_dispatch(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  return dispatch(entry, std::move(packet), route, how);
}

Result<> ip4_leave(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  return leave(entry, std::move(packet), route, how);
}

}  // namespace lxnet
