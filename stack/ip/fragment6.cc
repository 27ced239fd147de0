// Cutting IPv6 packets (RFC 8200, section 4.5): at their source only.
//
// The part before the fragment header is repeated in every fragment: the IPv6 header, hop-by-hop options, and all up to a routing
// header.
#include <algorithm>

#include "stack/drop_reason.hh"
#include "stack/ip/offload.hh"
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

// What every fragment repeats, and where in it the protocol of what follows stands.
struct UnfragmentablePart {
  size_t size = sizeof(Ipv6Header);
  size_t next_header_at = offsetof(Ipv6Header, next_header);
};

UnfragmentablePart unfragmentable_part(ByteSpan bytes) {
  UnfragmentablePart part;
  bool has_routing = false;
  while (part.size + 8 <= bytes.size()) {
    const IpProtocol next{bytes[part.next_header_at]};
    if (next == IpProtocol::Routing) {
      has_routing = true;
    } else if (next != IpProtocol::HopByHop && (next != IpProtocol::DestinationOptions || has_routing)) {
      break;
    }
    const size_t size = 8u * (bytes[part.size + 1] + 1u);
    if (part.size + size > bytes.size()) break;
    part.next_header_at = part.size;
    part.size += size;
  }
  return part;
}

Result<Ref<Packet>> cut_fragment(const Packet& whole, const UnfragmentablePart& part, uint32_t identification, size_t offset,
                                 size_t size) {
  const size_t header_size = part.size + Ipv6Fragment::encoded_size();
  Ref<Packet> fragment = TRY(Packet::create_linear(whole.pool(), header_size));
  const MutableByteSpan bytes = fragment->append(header_size);
  copy_bytes(bytes, whole.linear().first(part.size));
  TRY(fragment->append_from(whole, part.size + offset, size));
  const bool more = part.size + offset + size != whole.size();
  const Ipv6Fragment header{.next_header = IpProtocol{bytes[part.next_header_at]},
                            .offset = static_cast<uint16_t>(offset),
                            .more_fragments = more,
                            .identification = identification};
  header.emit(bytes.subspan(part.size));
  bytes[part.next_header_at] = static_cast<uint8_t>(IpProtocol::Fragment);
  reinterpret_cast<Ipv6Header*>(bytes.data())->payload_length.set(static_cast<uint16_t>(fragment->size() - sizeof(Ipv6Header)));

  constexpr size_t kSpare = 16;  // for the link's header
  fragment->set_true_size(Packet::charge_of(fragment->size() + kSpare));
  fragment->mark_network_header();
  fragment->link_protocol = whole.link_protocol;
  fragment->mark = whole.mark;
  fragment->priority = whole.priority;
  fragment->flow = whole.flow;
  fragment->flow_state = whole.flow_state;
  fragment->flow_hash = whole.flow_hash;
  fragment->is_routed_to_us = whole.is_routed_to_us;
  return fragment;
}

}  // namespace

Result<> ip6_fragment(Entry& entry, Ref<Packet> packet, const Route& route, uint32_t mtu) {
  const UnfragmentablePart part = unfragmentable_part(packet->linear());
  if (mtu < part.size + Ipv6Fragment::encoded_size() + 8) {
    count(entry, Mib::Ip6FragFails);
    return Errno::EMSGSIZE;
  }
  if (packet->checksum == ChecksumState::Partial) complete_checksum(*packet);
  const size_t room = (mtu - part.size - Ipv6Fragment::encoded_size()) & ~size_t{7};
  const size_t payload = packet->size() - part.size;
  const uint32_t identification = entry.stack().ip().identification().next_v6();
  PacketQueue fragments;
  for (size_t offset = 0; offset < payload; offset += room) {
    auto fragment = cut_fragment(*packet, part, identification, offset, std::min(room, payload - offset));
    if (!fragment.is_ok()) {
      count(entry, Mib::Ip6FragFails);
      return fragment.error();
    }
    fragments.push_back(fragment.take());
    if (offset == 0 && packet->transmit_stamps != 0) packet->give_owner_to(*fragments.front());
  }
  count(entry, Mib::Ip6FragOKs);
  while (!fragments.is_empty()) {
    count(entry, Mib::Ip6FragCreates);
    count(entry, Mib::Ip6OutTransmits);
    count(entry, Mib::Ip6OutOctets, fragments.front()->size());
    route.output->output(entry, fragments.take_front(), route.next_hop);
  }
  return ok();
}

}  // namespace lxnet
