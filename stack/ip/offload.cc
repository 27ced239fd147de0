// Software checksums and segmentation.
#include "stack/ip/offload.hh"

#include <algorithm>

#include "base/checksum.hh"
#include "stack/drop_reason.hh"
#include "stack/ip_address.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"

namespace lxnet {

namespace {

// Offsets from the front of a packet that is to be cut.
struct SegmentPlan {
  size_t network = 0;    // the IP header
  size_t transport = 0;  // the TCP or UDP header
  size_t payload = 0;
  bool is_v4 = true;
  bool is_tcp = true;
};

SegmentPlan plan_for(const Packet& packet) {
  const uint8_t* front = packet.linear().data();
  SegmentPlan plan;
  plan.network = static_cast<size_t>(packet.network_header() - front);
  plan.transport = plan.network + packet.checksum_start;
  plan.is_v4 = front[plan.network] >> 4 == 4;
  plan.is_tcp = packet.segmentation == SegmentationKind::Tcp;
  const auto* tcp = reinterpret_cast<const TcpHeader*>(front + plan.transport);
  plan.payload = plan.transport + (plan.is_tcp ? tcp->header_size() : sizeof(UdpHeader));
  return plan;
}

// Lengths and the identification of the `index`-th segment's IP header.
void fix_ip_header(uint8_t* bytes, const SegmentPlan& plan, size_t ip_size, size_t index) {
  if (!plan.is_v4) {
    reinterpret_cast<Ipv6Header*>(bytes)->payload_length.set(static_cast<uint16_t>(ip_size - sizeof(Ipv6Header)));
    return;
  }
  auto* header = reinterpret_cast<Ipv4Header*>(bytes);
  header->total_length.set(static_cast<uint16_t>(ip_size));
  header->identification.set(static_cast<uint16_t>(header->identification.get() + index));
  header->update_header_checksum();
}

// The pseudo-header's sum counts the transport's size: it changes from the whole's to the segment's.
uint16_t resized_sum(uint16_t sum, size_t from, size_t to) {
  InternetChecksum changed(sum);
  changed.add_u16(static_cast<uint16_t>(~static_cast<uint16_t>(from)));
  changed.add_u16(static_cast<uint16_t>(to));
  return changed.sum();
}

void fix_tcp_header(uint8_t* bytes, size_t payload_offset, bool is_first, bool is_last) {
  auto* header = reinterpret_cast<TcpHeader*>(bytes);
  header->sequence_number.set(header->sequence_number.get() + static_cast<uint32_t>(payload_offset));
  uint16_t flags = header->offset_and_flags.get();
  if (!is_last) flags = static_cast<uint16_t>(flags & ~(kTcpFin.bits() | kTcpPsh.bits()));
  if (!is_first) flags = static_cast<uint16_t>(flags & ~kTcpCwr.bits());
  header->offset_and_flags.set(flags);
}

Result<Ref<Packet>> cut_segment(const Packet& whole, const SegmentPlan& plan, size_t offset, size_t size, size_t index) {
  Ref<Packet> segment = TRY(Packet::create_linear(whole.pool(), plan.payload));
  const MutableByteSpan headers = segment->append(plan.payload);
  copy_bytes(headers, whole.linear());
  TRY(segment->append_from(whole, plan.payload + offset, size));
  const size_t transport_size = plan.payload - plan.transport + size;
  const size_t whole_size = whole.size() - plan.transport;
  fix_ip_header(headers.data() + plan.network, plan, plan.transport - plan.network + transport_size, index);
  uint8_t* transport = headers.data() + plan.transport;
  if (plan.is_tcp) {
    fix_tcp_header(transport, offset, offset == 0, plan.payload + offset + size == whole.size());
  } else {
    reinterpret_cast<UdpHeader*>(transport)->length.set(static_cast<uint16_t>(transport_size));
    // Linux's heads hold no payload.
    segment->set_true_size(Packet::charge_of(0) + static_cast<uint32_t>(size));
  }
  auto* sum = reinterpret_cast<Be16*>(transport + whole.checksum_offset);
  sum->set(resized_sum(sum->get(), whole_size, transport_size));

  segment->mark_link_header();
  segment->consume(plan.network);
  segment->mark_network_header();
  segment->restore_front(headers.data());
  segment->interface_index = whole.interface_index;
  segment->mark = whole.mark;
  segment->priority = whole.priority;
  segment->flow_hash = whole.flow_hash;
  segment->departure = whole.departure;
  segment->link_protocol = whole.link_protocol;
  segment->checksum = ChecksumState::Partial;
  segment->checksum_start = whole.checksum_start;
  segment->checksum_offset = whole.checksum_offset;
  segment->is_looped = whole.is_looped;
  segment->is_routed_to_us = whole.is_routed_to_us;
  segment->is_routed_to_many = whole.is_routed_to_many;
  segment->is_routed_to_group = whole.is_routed_to_group;
  return segment;
}

}  // namespace

bool has_sound_offloads(Packet& packet) {
  if (packet.checksum != ChecksumState::Partial) return packet.segmentation == SegmentationKind::None;
  const size_t start = packet.checksum_start;
  const size_t field_end = start + packet.checksum_offset + sizeof(uint16_t);
  if (field_end > packet.size() || !packet.make_writable(field_end).is_ok()) return false;
  if (packet.segmentation == SegmentationKind::None) return true;
  const bool is_tcp = packet.segmentation == SegmentationKind::Tcp;
  const bool is_v4 = packet.linear()[0] >> 4 == 4;
  const size_t ip_size = is_v4 ? size_t{packet.linear()[0] & 0xfu} * 4 : sizeof(Ipv6Header);
  if (start < ip_size || packet.checksum_offset != (is_tcp ? 16 : 6) || packet.segment_size == 0) return false;
  const size_t least = start + (is_tcp ? sizeof(TcpHeader) : sizeof(UdpHeader));
  if (least > packet.size() || !packet.make_writable(least).is_ok()) return false;
  const size_t header =
      is_tcp ? reinterpret_cast<const TcpHeader*>(packet.linear().data() + start)->header_size() : sizeof(UdpHeader);
  if (start + header < least || start + header > packet.size()) return false;
  return packet.make_writable(start + header).is_ok();
}

Result<> segment_packet(const Packet& packet, PacketQueue& segments) {
  ASSERT(packet.network_header() != nullptr && packet.segment_size != 0 && packet.checksum == ChecksumState::Partial);
  const SegmentPlan plan = plan_for(packet);
  ASSERT(plan.payload <= packet.linear().size());
  const size_t payload = packet.size() - plan.payload;
  PacketQueue made;
  size_t index = 0;
  for (size_t offset = 0; offset < payload || index == 0; offset += packet.segment_size, ++index) {
    const size_t size = std::min<size_t>(packet.segment_size, payload - offset);
    made.push_back(TRY(cut_segment(packet, plan, offset, size, index)));
  }
  segments.append(made);
  return ok();
}

void complete_checksum(Packet& packet) {
  ASSERT(packet.checksum == ChecksumState::Partial);
  const size_t network = static_cast<size_t>(packet.network_header() - packet.linear().data());
  const size_t start = network + packet.checksum_start;
  uint8_t* field = packet.network_header() + packet.checksum_start + packet.checksum_offset;
  // The field's own content, the pseudo-header's sum, is part of what is summed.
  InternetChecksum checksum;
  packet.for_each_run(start, packet.size() - start, [&](ByteSpan run) { checksum.add(run); });
  uint16_t value = checksum.finish();
  // RFC 768: 0 would say that there is none. For TCP the two are the same number.
  if (value == 0) value = 0xffff;
  reinterpret_cast<Be16*>(field)->set(value);
  packet.checksum = ChecksumState::Unknown;
}

void finish_offloads(Entry& entry, const DeviceCapabilities& capabilities, PacketQueue& frames) {
  PacketQueue finished;
  while (!frames.is_empty()) {
    Ref<Packet> frame = frames.take_front();
    if (frame->segmentation == SegmentationKind::None || can_segment(capabilities, *frame)) {
      finished.push_back(std::move(frame));
    } else if (!segment_packet(*frame, finished).is_ok()) {
      drop(entry, std::move(frame), DropReason::NoMemory);
    }
  }
  frames.append(finished);
  if (capabilities.sends_checksum) return;
  for (Packet* frame = frames.front(); frame != nullptr; frame = frames.next(*frame)) {
    if (frame->checksum == ChecksumState::Partial && frame->segmentation == SegmentationKind::None) complete_checksum(*frame);
  }
}

}  // namespace lxnet
