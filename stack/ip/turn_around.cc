#include "stack/ip/turn_around.hh"

#include "stack/ip/input_internal.hh"
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

}  // namespace

bool may_turn_around(Entry& entry, const Packet& packet, const Route& route, IpFamily family) {
  if (route.kind != RouteKind::Local || !route.output->turns_around()) return false;
  // What is on its way to the device already comes first; stamps are made there.
  if (entry.has_output() || packet.transmit_stamps != 0 || packet.has_own_link_header) return false;
  Stack& stack = entry.stack();
  if (stack.hooks().is_active(family, kInputHooks)) return false;
  if (stack.sockets().has_raw(family == IpFamily::V4 ? DemuxSpace::Raw4 : DemuxSpace::Raw6)) return false;
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
  family == IpFamily::V4 ? ip4_count_received(entry, *packet, info.tos) : ip6_count_received(entry, *packet, info.tos);
  count(entry, family == IpFamily::V4 ? Mib::IpInDelivers : Mib::Ip6InDelivers);
  packet->consume(info.header_size);
  packet->mark_transport_header();
  find_transport(family, info.protocol)->receive(entry, std::move(packet));
}

}  // namespace lxnet
