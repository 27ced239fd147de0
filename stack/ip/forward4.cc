// Forwarding IPv4 (RFC 1812, section 5.2 and 5.3).
//
// The packet's own checksum and segmentation state travel on.
#include <algorithm>

#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/ip/offload.hh"
#include "stack/ip/output_internal.hh"
#include "stack/raw/raw_input.hh"
#include "stack/route/redirect.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {

namespace {

bool exceeds(const Packet& packet, uint32_t mtu) {
  if (packet.segmentation == SegmentationKind::None) return packet.size() > mtu;
  // What was coalesced on the way in goes out in the same segments: headers of at most 80 bytes and the payload of one.
  return packet.segment_size + 80u > mtu && packet.size() > mtu;
}

// The next hop is on the link the packet came from: its sender could have used it directly.
void suggest_better_way(Entry& entry, const Packet& packet, const Route& route, const Interface& input) {
  if (!is_redirect_due(entry, packet, route, input)) return;
  icmp4_send_error(entry, packet, static_cast<uint8_t>(Icmp4Type::Redirect), static_cast<uint8_t>(Icmp4Redirect::Host),
                   route.next_hop.v4().value());
}

// The route shows the address the packet leaves from; arrival has recorded the one it came to. Of the hops that it names it goes
// to the route's destination, unless it was only passing by.
void record_departure(Entry& entry, Packet& packet, const Route& route) {
  const MutableByteSpan bytes = packet.mutable_linear().subspan(sizeof(Ipv4Header), ip_info(packet).options_size);
  auto parsed = Ipv4Options::from_recorded(bytes);
  if (!parsed.is_ok()) return;
  Ipv4Options options = parsed.take();
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.mutable_linear().data());
  const Ipv4Address hop = route.destination.v4();
  const bool goes_on = options.has_source_route() && header.destination != hop;
  if (!options.needs_recording() && !goes_on) return;
  auto own = entry.stack().routes().lookup(entry, {.destination = route.destination, .output_interface = route.output->index()});
  const Ipv4Address departure = own.is_ok() ? own.take().source.v4() : Ipv4Address();
  options.record_departure(departure);
  if (goes_on) {
    options.advance_source_route(hop, departure);
    header.destination = hop;
  }
  copy_bytes(bytes, options.bytes());
  header.update_header_checksum();
}

Ipv4Options options_of(const Packet& packet) {
  if (ip_info(packet).options_size == 0) return {};
  auto parsed = Ipv4Options::from_recorded(ip4_options_of(packet));
  return parsed.is_ok() ? parsed.take() : Ipv4Options();
}

}  // namespace

bool forwards4(Entry& entry, const Interface&) { return entry.stack().tunables().values().ip_forward != 0; }

void ip4_forward(Entry& entry, Ref<Packet> packet, const Route& route, Interface& input) {
  if (packet->is_link_broadcast || packet->is_link_multicast) return drop(entry, std::move(packet), DropReason::NotForUs);
  if (!has_sound_offloads(*packet)) return drop(entry, std::move(packet), DropReason::IpHeader);
  const Ipv4Header header = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  const Ipv4Options options = options_of(*packet);
  if (options.has_router_alert() && raw_receive_alert4(entry, *packet)) return;
  if (header.time_to_live <= 1) {
    count(entry, Mib::IpInHdrErrors);
    icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::TimeExceeded),
                     static_cast<uint8_t>(Icmp4TimeExceeded::InTransit), 0);
    return drop(entry, std::move(packet), DropReason::IpTtlExpired);
  }
  if (options.is_strict_route() && route.next_hop != route.destination) {
    icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                     static_cast<uint8_t>(Icmp4Unreachable::SourceRouteFailed), 0);
    return drop(entry, std::move(packet), DropReason::IpSourceRoute);
  }
  const uint32_t mtu = ip_send_mtu(route, PathMtuMode::Want);
  // What came in pieces goes on in pieces, no larger than those.
  const uint32_t fragment_size = ip_info(*packet).was_fragmented ? ip_info(*packet).fragment_size : 0;
  const bool came_in_pieces = fragment_size != 0 && fragment_size <= mtu;
  if (exceeds(*packet, mtu) && header.dont_fragment() && !came_in_pieces) {
    count(entry, Mib::IpFragFails);
    icmp4_send_error(entry, *packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                     static_cast<uint8_t>(Icmp4Unreachable::FragmentationNeeded), mtu);
    return drop(entry, std::move(packet), DropReason::IpTooBig);
  }
  if (!options.has_source_route()) suggest_better_way(entry, *packet, route, input);
  const size_t header_size = header.header_size();
  if (!packet->make_writable(header_size).is_ok() || !packet->ensure_headroom(Packet::kDefaultHeadroom / 4).is_ok()) {
    return drop(entry, std::move(packet), DropReason::NoMemory);
  }
  packet->mark_network_header();
  reinterpret_cast<Ipv4Header*>(packet->mutable_linear().data())->decrease_time_to_live();
  if (entry.stack().hooks().is_active(IpFamily::V4, hook_bit(FilterHook::Forward))) [[unlikely]] {
    packet = filter_received(entry, std::move(packet), IpFamily::V4, FilterHook::Forward, &input, route.output.get());
    if (!packet) return;
  }
  if (header_size > sizeof(Ipv4Header)) record_departure(entry, *packet, route);
  count(entry, Mib::IpForwDatagrams);
  const uint32_t cut = came_in_pieces ? fragment_size : mtu;
  static_cast<void>(
      ip4_dispatch(entry, std::move(packet), route, {.mtu = cut, .may_cut_despite_df = came_in_pieces, .is_forwarded = true}));
}

}  // namespace lxnet
