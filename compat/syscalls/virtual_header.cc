// Not served: UDP fragmentation offload, segmentation without a checksum to finish, and checksums that begin before the network
// header; frames that ask for them are refused with EINVAL.
#include "compat/syscalls/virtual_header.hh"

#include "stack/ip/offload.hh"

namespace lxnet {
namespace {

constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;
enum Segmentation : uint8_t { kNone = 0, kTcp4 = 1, kUdpFragments = 3, kTcp6 = 4, kUdpSegments = 5, kEcn = 0x80 };
constexpr uint8_t kProtocolTcp = 6, kProtocolUdp = 17;
constexpr size_t kTcpHeader = 20, kUdpHeader = 8;

uint8_t segmentation_of(const Packet& packet) {
  if (packet.segmentation == SegmentationKind::None) return kNone;
  if (packet.segmentation == SegmentationKind::Udp) return kUdpSegments;
  return packet.link_protocol == 0x86dd ? kTcp6 : kTcp4;
}

// Where the transport header of an IP packet without extension headers lies; EINVAL for any other.
Result<size_t> transport_offset(ByteSpan network, uint8_t wanted_version, uint8_t& protocol) {
  if (network.size() < 20 || network[0] >> 4 != wanted_version) return Errno::EINVAL;
  if (wanted_version == 4) {
    const size_t size = size_t{network[0] & 0xfu} * 4;
    protocol = network[9];
    if (size < 20 || size > network.size()) return Errno::EINVAL;
    return size;
  }
  if (network.size() < 40) return Errno::EINVAL;
  protocol = network[6];
  return size_t{40};
}

// What the cutting in stack/ip/offload.cc relies on is checked here: the program may have written anything.
Result<> make_segments(const VirtualHeader& header, size_t link_size, Packet& packet) {
  const uint8_t kind = static_cast<uint8_t>(header.segmentation & ~kEcn);
  const bool is_tcp = kind == kTcp4 || kind == kTcp6;
  if (!is_tcp && kind != kUdpSegments) return Errno::EINVAL;
  if (header.segment_size == 0 || (header.flags & kNeedsChecksum) == 0) return Errno::EINVAL;
  const ByteSpan network = packet.linear().subspan(link_size);
  const uint8_t version = kind == kTcp4 ? 4 : kind == kTcp6 ? 6 : network.empty() ? 0 : static_cast<uint8_t>(network[0] >> 4);
  if (version != 4 && version != 6) return Errno::EINVAL;
  uint8_t protocol = 0;
  const size_t transport = TRY(transport_offset(network, version, protocol));
  if (protocol != (is_tcp ? kProtocolTcp : kProtocolUdp) || header.checksum_start != link_size + transport) return Errno::EINVAL;
  if (header.checksum_offset != (is_tcp ? 16 : 6)) return Errno::EINVAL;
  size_t transport_size = kUdpHeader;
  if (is_tcp) {
    if (network.size() < transport + kTcpHeader) return Errno::EINVAL;
    transport_size = size_t{static_cast<uint8_t>(network[transport + 12] >> 4)} * 4;
    if (transport_size < kTcpHeader) return Errno::EINVAL;
  }
  if (network.size() < transport + transport_size) return Errno::EINVAL;
  // Too small to be cut is not really segments.
  if (packet.size() - link_size - transport - transport_size <= header.segment_size) return ok();
  packet.segmentation = is_tcp ? SegmentationKind::Tcp : SegmentationKind::Udp;
  packet.segment_size = header.segment_size;
  return ok();
}

}  // namespace

VirtualHeader describe_packet(const Packet& packet, size_t link_size, ChecksumState checksum) {
  VirtualHeader header;
  header.segmentation = segmentation_of(packet);
  if (header.segmentation != kNone) {
    header.header_size = static_cast<uint16_t>(packet.linear().size());
    header.segment_size = packet.segment_size;
  }
  if (checksum == ChecksumState::Partial) {
    header.flags = kNeedsChecksum;
    header.checksum_start = static_cast<uint16_t>(link_size + packet.checksum_start);
    header.checksum_offset = packet.checksum_offset;
  } else if (checksum == ChecksumState::Verified) {
    header.flags = kDataValid;
  }
  return header;
}

bool names_segmentation(const VirtualHeader& header) {
  const uint8_t kind = static_cast<uint8_t>(header.segmentation & ~kEcn);
  return kind == kTcp4 || kind == kTcp6 || kind == kUdpFragments || kind == kUdpSegments;
}

Result<VirtualHeader> take_virtual_header(IoSource& source, size_t size) {
  if (source.remaining() < size) return Errno::EINVAL;
  uint8_t bytes[VirtualHeader::kLongest] = {};
  if (source.copy(MutableByteSpan(bytes, size)) != size) return Errno::EFAULT;
  VirtualHeader header;
  memcpy(&header, bytes, sizeof header);
  const uint32_t end = uint32_t{header.checksum_start} + header.checksum_offset + 2;
  if ((header.flags & kNeedsChecksum) != 0 && end > header.header_size) header.header_size = static_cast<uint16_t>(end);
  if (header.header_size > source.remaining()) return Errno::EINVAL;
  return header;
}

Result<> apply_virtual_header(const VirtualHeader& header, size_t link_size, Packet& packet) {
  if ((header.flags & kNeedsChecksum) != 0) {
    const size_t end = size_t{header.checksum_start} + header.checksum_offset + 2;
    if (header.checksum_start < link_size || end > packet.size() || end > packet.linear().size()) return Errno::EINVAL;
    packet.checksum = ChecksumState::Partial;
    packet.checksum_start = static_cast<uint16_t>(header.checksum_start - link_size);
    packet.checksum_offset = header.checksum_offset;
  }
  return header.segmentation == kNone ? ok() : make_segments(header, link_size, packet);
}

}  // namespace lxnet
