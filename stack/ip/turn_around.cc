#include "stack/ip/turn_around.hh"

#include "stack/ip/input_internal.hh"
#include "stack/ip/output_internal.hh"
#include "stack/ip/transport.hh"
#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

constexpr uint8_t kInputHooks = hook_bit(FilterHook::PreRouting) | hook_bit(FilterHook::LocalIn);

bool is_plain_transport(uint8_t protocol) {
  return IpProtocol{protocol} == IpProtocol::Tcp || IpProtocol{protocol} == IpProtocol::Udp;
}

bool has_plain_header4(const Packet& packet) {
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.linear().data());
  return header.header_size() == sizeof(Ipv4Header) && !header.is_fragment() && is_plain_transport(header.protocol);
}

bool has_plain_header6(const Packet& packet) {
  return is_plain_transport(reinterpret_cast<const Ipv6Header*>(packet.linear().data())->next_header);
}

// Whoever might see it on its way.
bool meets_somebody(Entry& entry, IpFamily family, uint8_t hooks) {
  Stack& stack = entry.stack();
  return stack.hooks().is_active(family, hooks) ||
         stack.sockets().has_raw(family == IpFamily::V4 ? DemuxSpace::Raw4 : DemuxSpace::Raw6);
}

}  // namespace

bool may_turn_around(Entry& entry, const Packet& packet, const Route& route, IpFamily family) {
  if (route.kind != RouteKind::Local || !route.output->turns_around()) return false;
  // What is on its way to the device already comes first; stamps are made there.
  if (entry.has_output() || packet.transmit_stamps != 0 || packet.has_own_link_header) return false;
  if (meets_somebody(entry, family, kInputHooks)) return false;
  return family == IpFamily::V4 ? has_plain_header4(packet) : has_plain_header6(packet);
}

void ip_turn_around(Entry& entry, Ref<Packet> packet, Interface& loopback) {
  packet->mark_link_header();
  loopback.turn_around(*packet);
  entry.turn_around(loopback, std::move(packet));
}

void ip_receive_turned(Entry& entry, Ref<Packet> packet) {
  packet->is_turned_around = false;
  const IpFamily family = packet->link_protocol == 0x86dd ? IpFamily::V6 : IpFamily::V4;
  family == IpFamily::V4 ? ip4_fill_info(*packet) : ip6_fill_info(*packet);
  const IpInfo& info = ip_info(*packet);
  family == IpFamily::V4 ? ip4_count_received(entry, packet->size(), info.tos)
                         : ip6_count_received(entry, packet->size(), info.tos);
  count(entry, family == IpFamily::V4 ? Mib::IpInDelivers : Mib::Ip6InDelivers);
  packet->consume(info.header_size);
  packet->mark_transport_header();
  find_transport(family, info.protocol)->receive(entry, std::move(packet));
}

bool may_turn_unsent4(Entry& entry, const Packet& packet, const Route& route, PathMtuMode mode) {
  if (route.kind != RouteKind::Local || !route.output->turns_around() || route.is_mtu_locked) return false;
  if (mode != PathMtuMode::Want && mode != PathMtuMode::Do) return false;
  const size_t size = sizeof(Ipv4Header) + packet.size();
  const bool fits = size <= ip_send_mtu(route, mode) || packet.segmentation != SegmentationKind::None;
  if (!fits || size > Ipv4Header::kMaxPacketSize || packet.headroom() < sizeof(Ipv4Header)) return false;
  if (entry.has_output() || packet.transmit_stamps != 0) return false;
  return !meets_somebody(entry, IpFamily::V4, kInputHooks | kOutputHooks);
}

void ip4_turn_unsent(Entry& entry, Packet& packet, const Route& route, const IpSendOptions& options) {
  const uint8_t given = options.ttl != 0 ? options.ttl : route.hop_limit;
  const uint8_t ttl = given != 0 ? given : static_cast<uint8_t>(entry.stack().tunables().values().ip_default_ttl);
  const size_t size = sizeof(Ipv4Header) + packet.size();
  const Ipv4PacketHeader header{.source = route.source.v4(),
                                .destination = route.destination.v4(),
                                .protocol = IpProtocol{options.protocol},
                                .time_to_live = ttl,
                                .type_of_service = options.tos,
                                .dont_fragment = true,
                                .total_length = static_cast<uint16_t>(size)};
  packet.mark_transport_header();
  header.emit(packet.push_header(sizeof(Ipv4Header)));
  packet.mark_link_header();
  packet.mark_network_header();
  packet.link_protocol = 0x0800;
  packet.checksum_start = sizeof(Ipv4Header);
  packet.is_routed_to_us = true;
  route.output->turn_around(packet);
  packet.consume(sizeof(Ipv4Header));
  packet.control<IpInfo>() = IpInfo{.source = route.source,
                                    .destination = route.destination,
                                    .interface_index = route.output->index(),
                                    .protocol = options.protocol,
                                    .ttl = ttl,
                                    .tos = options.tos,
                                    .header_size = sizeof(Ipv4Header)};
  ip4_count_turned(entry, size, options.tos);
}

void ip4_count_turned(Entry& entry, size_t size, uint8_t tos) {
  count(entry, Mib::IpOutRequests);
  count(entry, Mib::IpOutTransmits);
  count(entry, Mib::IpExtOutOctets, size);
  ip4_count_received(entry, size, tos);
  count(entry, Mib::IpInDelivers);
}

}  // namespace lxnet
