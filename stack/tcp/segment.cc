// From bytes to TcpSegment.
#include "stack/tcp/segment.hh"

#include "stack/drop_reason.hh"

namespace lxnet {
namespace {

// The options made linear behind the header; a segment whose data offset points past its end is no segment.
bool read_header(Packet& packet, TcpSegment& segment) {
  auto fixed = packet.header<TcpHeader>();
  if (!fixed.is_ok()) return false;
  const TcpHeader* header = fixed.take();
  const size_t header_size = header->header_size();
  if (!packet.pull_up(header_size).is_ok()) return false;
  header = reinterpret_cast<const TcpHeader*>(packet.linear().data());
  const TcpSegmentHeader host = TcpSegmentHeader::from(*header);
  segment.seq = host.seq;
  segment.ack = host.ack;
  segment.flags = host.flags;
  segment.header_size = host.header_size;
  segment.window = host.window;
  segment.urgent_pointer = host.urgent_pointer;
  segment.source.port = host.source_port;
  segment.destination.port = host.destination_port;
  const ByteSpan options = packet.linear().subspan(sizeof(TcpHeader), header_size - sizeof(TcpHeader));
  if (const auto timestamps = parse_aligned_timestamps(options)) {
    segment.options.timestamps = timestamps;
  } else if (!options.empty()) {
    segment.options = TcpOptions::parse(options, segment.flags);
  }
  return true;
}

}  // namespace

bool take_segment(Entry& entry, Ref<Packet> packet, TcpSegment& segment) {
  const IpInfo& info = ip_info(*packet);
  segment.source.address = info.source;
  segment.destination.address = info.destination;
  segment.interface_index = info.interface_index;
  if (info.source.is_link_local()) segment.source.scope_id = info.interface_index;
  if (info.destination.is_link_local()) segment.destination.scope_id = info.interface_index;
  segment.tos = info.tos;
  segment.ttl = info.ttl;
  if (!read_header(*packet, segment)) {
    drop(entry, std::move(packet), DropReason::TcpHeader);
    return false;
  }
  packet->mark_transport_header();
  packet->consume(segment.header_size);
  segment.size = static_cast<uint32_t>(packet->size());
  segment.segments = packet->segment_count == 0 ? uint16_t{1} : packet->segment_count;
  segment.packet = std::move(packet);
  return true;
}

}  // namespace lxnet
