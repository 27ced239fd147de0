#include "stack/nft/nft_packet.hh"

#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {
int find_ipv6_header(const Packet& packet, int target, uint32_t& offset, uint16_t& fragment_offset) {
  uint8_t next = 0;
  if (packet.read(6, MutableByteSpan(&next, 1)) != 1) return -1;
  uint32_t at = sizeof(Ipv6Header);
  fragment_offset = 0;
  for (;;) {
    const bool is_found = next == target;
    const bool ends = !is_ipv6_extension(IpProtocol{next});
    if (is_found || (ends && target < 0)) break;
    if (ends) return -1;
    uint8_t head[2];
    if (packet.read(at, MutableByteSpan(head, sizeof head)) != sizeof head) return -1;
    uint32_t size = (uint32_t{head[1]} + 1) * 8;
    if (IpProtocol{next} == IpProtocol::Authentication) size = (uint32_t{head[1]} + 2) * 4;
    if (IpProtocol{next} == IpProtocol::Fragment) {
      Ipv6FragmentHeader fragment;
      if (packet.read(at, mutable_bytes_of(fragment)) != sizeof fragment) return -1;
      if (fragment.fragment_offset() != 0) {
        const uint8_t inner = fragment.next_header;
        if (target >= 0 || is_ipv6_extension(IpProtocol{inner})) return -1;
        fragment_offset = fragment.fragment_offset();
        offset = at;
        return inner;
      }
      size = sizeof fragment;
    }
    next = head[0];
    at += size;
  }
  offset = at;
  return next;
}

NftPacket::NftPacket(FilterPacket& packet_seen)
    : seen(packet_seen),
      protocol(packet_seen.protocol),
      fragment_offset(packet_seen.fragment_offset),
      transport_offset(packet_seen.transport_offset) {
  if (seen.family == IpFamily::V4) return;
  const int found = find_ipv6_header(seen.packet, -1, transport_offset, fragment_offset);
  has_transport = found >= 0 && transport_offset <= UINT16_MAX;
  protocol = has_transport ? static_cast<uint8_t>(found) : 0;
}

uint8_t* NftPacket::writable(size_t size) const {
  if (size > packet().size() || !packet().make_writable(size).is_ok()) return nullptr;
  packet().mark_network_header();
  // Its sender may have known another receiver.
  packet().receiver_hashes = {};
  return packet().mutable_linear().data();
}

void NftPacket::header_changed() const {
  const FilterPacket now(seen.entry, seen.packet, seen.family, seen.hook, seen.input, seen.output);
  memcpy(seen.source, now.source, sizeof seen.source);
  memcpy(seen.destination, now.destination, sizeof seen.destination);
  if (seen.family == IpFamily::V4) seen.protocol = now.protocol;
  seen.time_to_live = now.time_to_live;
  seen.type_of_service = now.type_of_service;
}

}  // namespace lxnet
