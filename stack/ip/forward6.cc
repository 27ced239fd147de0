// Forwarding IPv6 (RFC 8200, section 3; RFC 4291, 2.5.6; RFC 4443, 3.1 to 3.3).
#include <algorithm>

#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/ip/offload.hh"
#include "stack/ip/output_internal.hh"
#include "stack/raw/raw_input.hh"
#include "stack/route/redirect.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

bool exceeds(const Packet& packet, uint32_t mtu) {
  if (packet.segmentation == SegmentationKind::None) return packet.size() > mtu;
  return packet.segment_size + 100u > mtu && packet.size() > mtu;
}

}  // namespace

bool forwards6(Entry& entry, const Interface&) { return entry.stack().tunables().values().ipv6_forwarding != 0; }

void ip6_forward(Entry& entry, Ref<Packet> packet, const Route& route, Interface& input) {
  if (packet->is_link_broadcast || packet->is_link_multicast) return drop(entry, std::move(packet), DropReason::NotForUs);
  if (!has_sound_offloads(*packet)) return drop(entry, std::move(packet), DropReason::IpHeader);
  const Ipv6Header header = *reinterpret_cast<const Ipv6Header*>(packet->linear().data());
  if (IpProtocol{header.next_header} == IpProtocol::HopByHop) {
    const std::optional<uint16_t> alert = check_hop_by_hop_options(packet->linear(), sizeof(Ipv6Header)).router_alert;
    if (alert && raw_receive_alert6(entry, *packet, *alert)) return;
  }
  if (header.source.is_unspecified() || header.source.is_loopback()) {
    return drop(entry, std::move(packet), DropReason::IpMartianSource);
  }
  if (header.hop_limit <= 1) {
    count(entry, Mib::Ip6InHdrErrors);
    icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::TimeExceeded),
                     static_cast<uint8_t>(Icmp6TimeExceeded::HopLimit), 0);
    return drop(entry, std::move(packet), DropReason::IpTtlExpired);
  }
  if (input.index() == route.output->index()) {
    send_redirect6(entry, *packet, route, input);
  } else if (header.source.is_link_local() || header.destination.is_link_local()) {
    icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable),
                     static_cast<uint8_t>(Icmp6Unreachable::BeyondScope), 0);
    return drop(entry, std::move(packet), DropReason::IpNoRoute);
  }
  const uint32_t mtu = std::max(ip_send_mtu(route, PathMtuMode::Want), uint32_t{Ipv6Header::kMinMtu});
  // What came in pieces, and was put together to be followed, goes on in pieces no larger than those.
  const uint32_t fragment_size = ip_info(*packet).was_fragmented ? ip_info(*packet).fragment_size : 0;
  const bool came_in_pieces = fragment_size != 0 && fragment_size <= mtu;
  if (exceeds(*packet, mtu) && !came_in_pieces) {
    count(entry, Mib::Ip6InTooBigErrors);
    count(entry, Mib::Ip6FragFails);
    icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::PacketTooBig), 0, mtu);
    return drop(entry, std::move(packet), DropReason::IpTooBig);
  }
  if (!packet->make_writable(sizeof(Ipv6Header)).is_ok() || !packet->ensure_headroom(Packet::kDefaultHeadroom / 4).is_ok()) {
    return drop(entry, std::move(packet), DropReason::NoMemory);
  }
  packet->mark_network_header();
  --reinterpret_cast<Ipv6Header*>(packet->mutable_linear().data())->hop_limit;
  if (entry.stack().hooks().is_active(IpFamily::V6, hook_bit(FilterHook::Forward))) [[unlikely]] {
    packet = filter_received(entry, std::move(packet), IpFamily::V6, FilterHook::Forward, &input, route.output.get());
    if (!packet) return;
  }
  count(entry, Mib::Ip6OutForwDatagrams);
  static_cast<void>(
      ip6_dispatch(entry, std::move(packet), route, {.mtu = came_in_pieces ? fragment_size : mtu, .is_forwarded = true}));
}

}  // namespace lxnet
