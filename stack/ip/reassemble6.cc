// IPv6 fragments into their packet (RFC 8200, section 4.5; RFC 5722).
#include <algorithm>

#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

void refuse(Entry& entry, Ref<Packet> packet, Icmp6ParameterProblem code, size_t pointer) {
  count(entry, Mib::Ip6InHdrErrors);
  icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::ParameterProblem), static_cast<uint8_t>(code),
                   static_cast<uint32_t>(pointer));
  drop(entry, std::move(packet), DropReason::FragmentBad);
}

// A first fragment must hold every header up to the transport's own (RFC 7112).
bool holds_header_chain(Packet& packet) {
  if (!packet.pull_up(packet.size()).is_ok()) return false;
  packet.mark_network_header();
  auto found = find_upper_layer(packet.linear());
  if (!found.is_ok()) return false;
  const Ipv6UpperLayer upper = found.take();
  size_t needed = 1;
  if (upper.protocol == IpProtocol::Tcp) needed = 20;
  if (upper.protocol == IpProtocol::Udp) needed = 8;
  if (upper.protocol == IpProtocol::Icmpv6) needed = 8;
  if (upper.protocol == IpProtocol::NoNextHeader) needed = 0;
  return upper.offset + needed <= packet.size();
}

// Where the header at `offset` is named: in the header before it.
size_t announcing_field(const uint8_t* front, size_t offset) {
  size_t field = offsetof(Ipv6Header, next_header);
  for (size_t at = sizeof(Ipv6Header); at < offset; at += reinterpret_cast<const Ipv6ExtensionHeader*>(front + at)->size())
    field = at;
  return field;
}

// Takes the fragment header out: what stands before it moves up against the payload.
Ref<Packet> restore_header(Entry& entry, Reassembly::Whole whole, size_t offset, size_t next_header_at, uint8_t next_header) {
  Ref<Packet> packet = std::move(whole.packet);
  packet->restore_front(packet->network_header());
  const size_t payload_length = offset - sizeof(Ipv6Header) + whole.payload_size;
  if (payload_length > Ipv6Header::kMaxPayloadSize || !packet->make_writable(offset + sizeof(Ipv6FragmentHeader)).is_ok()) {
    count(entry, Mib::Ip6ReasmFails);
    drop(entry, std::move(packet), DropReason::FragmentBad);
    return nullptr;
  }
  uint8_t* front = packet->mutable_linear().data();
  memmove(front + sizeof(Ipv6FragmentHeader), front, offset);
  packet->consume(sizeof(Ipv6FragmentHeader));
  packet->mark_network_header();
  front = packet->mutable_linear().data();
  front[next_header_at] = next_header;
  auto& header = *reinterpret_cast<Ipv6Header*>(front);
  header.payload_length.set(static_cast<uint16_t>(payload_length));
  header.version_class_flow.set(header.version_class_flow.get() | uint32_t{whole.ecn_bits} << 20);
  return packet;
}

}  // namespace

Ref<Packet> ip6_reassemble(Entry& entry, Ref<Packet> fragment, size_t offset, size_t& next_header_at) {
  const IpInfo info = ip_info(*fragment);
  const auto header = Ipv6Fragment::from(*reinterpret_cast<const Ipv6FragmentHeader*>(fragment->linear().data() + offset));
  const size_t headers = offset + sizeof(Ipv6FragmentHeader);
  const size_t size = fragment->size() - headers;
  if (header.offset == 0 && !holds_header_chain(*fragment)) {
    refuse(entry, std::move(fragment), Icmp6ParameterProblem::IncompleteHeaderChain, 0);
    return nullptr;
  }
  if (header.offset + size > Ipv6Header::kMaxPayloadSize) {
    refuse(entry, std::move(fragment), Icmp6ParameterProblem::HeaderField,
           offset + offsetof(Ipv6FragmentHeader, offset_and_flags));
    return nullptr;
  }
  if (header.more_fragments && size % 8 != 0) {
    refuse(entry, std::move(fragment), Icmp6ParameterProblem::HeaderField, offsetof(Ipv6Header, payload_length));
    return nullptr;
  }
  const bool is_of_link = info.destination.v6().needs_scope_id();
  const FragmentKey key{.source = info.source,
                        .destination = info.destination,
                        .identification = header.identification,
                        .interface_index = is_of_link ? info.interface_index : 0};
  const FragmentPiece piece{.offset = header.offset,
                            .end = static_cast<uint32_t>(header.offset + size),
                            .is_last = !header.more_fragments,
                            .ecn = static_cast<uint8_t>(info.tos & 3),
                            // As Linux counts in 16 bits: 65536 is nothing.
                            .packet_size = static_cast<uint16_t>(fragment->size())};
  fragment->consume(headers);
  // Also of what we sent ourselves: a raw socket's may be wrong (IPV6_CHECKSUM).
  fragment->checksum = ChecksumState::Unknown;
  Reassembly::Whole whole = entry.stack().ip().reassembly6().add(entry, std::move(fragment), key, piece);
  if (!whole.packet) return nullptr;
  // The first fragment's headers count, which need not be those of the one that came last (RFC 8200, 4.5).
  offset = static_cast<size_t>(whole.packet->linear().data() - whole.packet->network_header()) - sizeof(Ipv6FragmentHeader);
  next_header_at = announcing_field(whole.packet->network_header(), offset);
  const uint8_t next_header = whole.packet->network_header()[offset];
  const uint16_t largest_fragment = whole.largest_fragment;
  Ref<Packet> packet = restore_header(entry, std::move(whole), offset, next_header_at, next_header);
  if (!packet) return nullptr;
  ip6_fill_info(*packet);
  IpInfo& whole_info = ip_info(*packet);
  whole_info.protocol = next_header;
  whole_info.header_size = static_cast<uint16_t>(offset);
  whole_info.was_fragmented = true;
  whole_info.fragment_size = largest_fragment;
  return packet;
}

}  // namespace lxnet
