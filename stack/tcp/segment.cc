// From bytes to TcpSegment.
#include "stack/tcp/segment.hh"

#include "stack/drop_reason.hh"
#include "stack/tcp/time_wait.hh"
#include "stack/tcp/turned_segment.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {
namespace {

void take_header(const TcpSegmentHeader& header, TcpSegment& segment) {
  segment.seq = header.seq;
  segment.ack = header.ack;
  segment.flags = header.flags;
  segment.header_size = header.header_size;
  segment.window = header.window;
  segment.urgent_pointer = header.urgent_pointer;
  segment.source.port = header.source_port;
  segment.destination.port = header.destination_port;
}

// The options made linear behind the header; a segment whose data offset points past its end is no segment.
bool read_header(Packet& packet, TcpSegment& segment) {
  auto fixed = packet.header<TcpHeader>();
  if (!fixed.is_ok()) return false;
  const TcpHeader* header = fixed.take();
  const size_t header_size = header->header_size();
  if (!packet.pull_up(header_size).is_ok()) return false;
  header = reinterpret_cast<const TcpHeader*>(packet.linear().data());
  take_header(TcpSegmentHeader::from(*header), segment);
  const ByteSpan options = packet.linear().subspan(sizeof(TcpHeader), header_size - sizeof(TcpHeader));
  if (const auto timestamps = parse_aligned_timestamps(options)) {
    segment.options.timestamps = timestamps;
  } else if (!options.empty()) {
    segment.options = TcpOptions::parse(options, segment.flags);
  }
  return true;
}

}  // namespace

bool TurnedSegment::is_followed_by(const TcpSegmentHeader& next, const TcpTimestamps& stamps, const Route& route,
                                   size_t size) const {
  const bool is_same_way = ip.source == route.source && ip.destination == route.destination &&
                           header.source_port == next.source_port && header.destination_port == next.destination_port;
  const bool is_next = header.flags == kTcpAck && header.seq + static_cast<uint32_t>(size) == next.seq && header.ack == next.ack;
  return is_same_way && is_next && (!has_timestamps || timestamps == stamps);
}

void TurnedSegment::take_over(const TcpSegmentHeader& odd, Packet& packet) {
  header.window = odd.window;
  header.flags |= odd.flags & kTcpPsh;
  header.emit(packet.mutable_linear());
  ++packet.segment_count;
}

Ref<Packet> TurnedSegment::take_off_odd_end(Packet& packet) {
  if (!has_odd_end(packet)) return nullptr;
  auto cloned = packet.clone();
  if (!cloned.is_ok()) return nullptr;
  Ref<Packet> odd = cloned.take();
  TurnedSegment& first = of(packet);
  TurnedSegment& last = of(*odd);
  const size_t header_size = first.header.header_size;
  odd->consume(header_size + packet.segment_size);
  last.header.seq += packet.segment_size;
  last.header.emit(odd->push_header(header_size));
  auto& ip = *reinterpret_cast<Ipv4Header*>(odd->network_header());
  ip.total_length.set(static_cast<uint16_t>(sizeof(Ipv4Header) + odd->size()));
  ip.update_header_checksum();
  odd->receiver_hashes = packet.receiver_hashes;
  odd->is_turned_segment = true;
  packet.trim(header_size + packet.segment_size);
  first.header.flags = first.header.flags.without(kTcpPsh);
  first.header.emit(packet.mutable_linear());
  odd->segment_count = packet.segment_count = 1;
  return odd;
}

bool take_segment(Entry& entry, Ref<Packet> packet, TcpSegment& segment) {
  const IpInfo& info = ip_info(*packet);
  segment.source.address = info.source;
  segment.destination.address = info.destination;
  segment.interface_index = info.interface_index;
  if (info.source.is_link_local()) segment.source.scope_id = info.interface_index;
  if (info.destination.is_link_local()) segment.destination.scope_id = info.interface_index;
  segment.tos = info.tos;
  segment.ttl = info.ttl;
  if (packet->is_turned_segment) {
    const TurnedSegment& turned = TurnedSegment::of(*packet);
    take_header(turned.header, segment);
    if (turned.has_timestamps) segment.options.timestamps = turned.timestamps;
    packet->is_turned_segment = false;  // what it said is the segment's now, and its place another's
  } else if (!read_header(*packet, segment)) {
    drop(entry, std::move(packet), DropReason::TcpHeader);
    return false;
  }
  if (packet->is_after_time_wait) [[unlikely]]
    segment.answer_iss = SynAfterTimeWait::of(*packet).iss;
  packet->mark_transport_header();
  packet->consume(segment.header_size);
  segment.size = static_cast<uint32_t>(packet->size());
  segment.segments = packet->segment_count == 0 ? uint16_t{1} : packet->segment_count;
  segment.packet = std::move(packet);
  return true;
}

}  // namespace lxnet
