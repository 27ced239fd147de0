// What IPv4 and IPv6 output share.
#include "stack/ip/output.hh"

#include <algorithm>

#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"

namespace lxnet {

uint32_t ip_send_mtu(const Route& route, PathMtuMode mode) {
  // IP_MAX_MTU and IP6_MAX_MTU: the length field of IPv6 does not count the header.
  const uint32_t largest = route.destination.is_v4() ? 65535 : 65535 + 40;
  const uint32_t link = std::min(route.output->mtu(), largest);
  const bool asks_path = mode < PathMtuMode::Probe;
  return asks_path && route.mtu != 0 ? std::min(route.mtu, link) : link;
}

void ip_loop_back(Entry& entry, const Packet& packet, const Route& route) {
  auto copy = packet.clone();
  if (!copy.is_ok()) return entry.stack().drops().count(DropReason::NoMemory);
  Ref<Packet> looped = copy.take();
  if (looped->checksum == ChecksumState::Unknown) looped->checksum = ChecksumState::Verified;
  looped->is_routed_to_us = true;
  looped->is_routed_to_many = looped->is_link_broadcast = route.kind == RouteKind::Broadcast;
  looped->is_routed_to_group = looped->is_link_multicast = route.kind == RouteKind::Multicast;
  entry.loop_back(*route.output, std::move(looped));
}

}  // namespace lxnet
