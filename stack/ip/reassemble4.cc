// IPv4 fragments into their datagram (RFC 791, section 3.2; RFC 3168, 5.3).
#include "stack/drop_reason.hh"
#include "stack/ip/input_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

// The whole's header is the first fragment's, which is still in front of the payload.
Ref<Packet> restore_header(Entry& entry, Reassembly::Whole whole) {
  Ref<Packet> packet = std::move(whole.packet);
  packet->restore_front(packet->network_header());
  const size_t header_size = reinterpret_cast<const Ipv4Header*>(packet->linear().data())->header_size();
  const size_t size = header_size + whole.payload_size;
  if (size > Ipv4Header::kMaxPacketSize || !packet->make_writable(header_size).is_ok()) {
    count(entry, Mib::IpReasmFails);
    drop(entry, std::move(packet), DropReason::FragmentBad);
    return nullptr;
  }
  packet->mark_network_header();
  auto& header = *reinterpret_cast<Ipv4Header*>(packet->mutable_linear().data());
  header.total_length.set(static_cast<uint16_t>(size));
  header.flags_and_offset.set(whole.has_df ? Ipv4Header::kDontFragment : 0);
  header.type_of_service = static_cast<uint8_t>(header.type_of_service | whole.ecn_bits);
  header.update_header_checksum();
  return packet;
}

}  // namespace

Ref<Packet> ip4_reassemble(Entry& entry, Ref<Packet> fragment, FragmentUser user) {
  const IpInfo info = ip_info(*fragment);
  const Ipv4Header header = *reinterpret_cast<const Ipv4Header*>(fragment->linear().data());
  const size_t packet_size = fragment->size();
  size_t size = packet_size - info.header_size;
  // A length that the next offset cannot continue: Linux keeps the multiple of eight.
  if (header.more_fragments()) size &= ~size_t{7};
  fragment->consume(info.header_size);
  fragment->trim(size);
  const FragmentKey key{.source = info.source,
                        .destination = info.destination,
                        .identification = header.identification.get(),
                        .interface_index = user == FragmentUser::Tap ? info.interface_index : 0,
                        .protocol = info.protocol,
                        .user = user};
  const FragmentPiece piece{.offset = header.fragment_offset(),
                            .end = static_cast<uint32_t>(header.fragment_offset() + size),
                            .is_last = !header.more_fragments(),
                            .ecn = static_cast<uint8_t>(header.type_of_service & 3),
                            .packet_size = static_cast<uint16_t>(packet_size),
                            .has_df = header.dont_fragment()};
  // The checksum a device verified was the fragment's own at best.
  fragment->checksum = fragment->is_routed_to_us ? ChecksumState::Verified : ChecksumState::Unknown;
  Reassembly::Whole whole = entry.stack().ip().reassembly4().add(entry, std::move(fragment), key, piece);
  if (!whole.packet) return nullptr;
  const uint16_t largest_fragment = whole.largest_fragment;
  Ref<Packet> packet = restore_header(entry, std::move(whole));
  if (!packet) return nullptr;
  ip4_fill_info(*packet);
  ip_info(*packet).is_broadcast = info.is_broadcast;
  ip_info(*packet).was_fragmented = true;
  ip_info(*packet).fragment_size = largest_fragment;
  return packet;
}

}  // namespace lxnet
