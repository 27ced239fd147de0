#include "stack/look_ahead.hh"

#include "stack/stack.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

// So much memory at a time.
constexpr size_t kMostAhead = 64;

// The IP packet in a frame; empty: something else, or not in one piece.
ByteSpan ip_packet_in(const Packet& frame, LinkKind link) {
  ByteSpan bytes = frame.linear();
  if (link != LinkKind::Ethernet) return bytes;
  auto header = EthernetHeader::parse(bytes);
  if (!header.is_ok()) return {};
  bytes = bytes.subspan(sizeof(EthernetHeader));
  const EtherType type{header.take()->type.get()};
  return type == EtherType::Ipv4 || type == EtherType::Ipv6 ? bytes : ByteSpan();
}

// UDP's ports stand where TCP's do.
bool read_ports(ByteSpan transport, uint8_t protocol, PacketTuple& tuple) {
  if (IpProtocol{protocol} != IpProtocol::Tcp && IpProtocol{protocol} != IpProtocol::Udp) return false;
  auto parsed = UdpHeader::parse(transport);
  if (!parsed.is_ok()) return false;
  const UdpHeader& header = *parsed.take();
  tuple.space = IpProtocol{protocol} == IpProtocol::Tcp ? DemuxSpace::Tcp : DemuxSpace::Udp;
  tuple.local_port = header.destination_port.get();
  tuple.remote_port = header.source_port.get();
  return true;
}

bool read_tuple(ByteSpan packet, PacketTuple& tuple) {
  if (packet.empty()) return false;
  if (packet[0] >> 4 == 6) {
    auto parsed = Ipv6Header::parse(packet);
    if (!parsed.is_ok()) return false;
    const Ipv6Header& header = *parsed.take();
    tuple.local = header.destination;
    tuple.remote = header.source;
    return read_ports(packet.subspan(sizeof(Ipv6Header)), header.next_header, tuple);
  }
  auto parsed = Ipv4Header::parse(packet);
  if (!parsed.is_ok()) return false;
  const Ipv4Header& header = *parsed.take();
  if (header.is_fragment() || header.header_size() > packet.size()) return false;
  tuple.local = header.destination;
  tuple.remote = header.source;
  return read_ports(packet.subspan(header.header_size()), header.protocol, tuple);
}

}  // namespace

void look_ahead(Interface& interface, PacketQueue& frames) {
  SocketSet& sockets = interface.stack().sockets();
  if (!sockets.is_worth_fetching()) return;
  uint64_t hashes[kMostAhead];
  size_t count = 0;
  for (Packet* frame = frames.front(); frame != nullptr && count < kMostAhead; frame = frames.next(*frame)) {
    PacketTuple tuple;
    if (!read_tuple(ip_packet_in(*frame, interface.link_kind()), tuple)) continue;
    hashes[count++] = frame->receiver_hashes.flow = sockets.hash_flow(tuple);
  }
  sockets.fetch_flows(std::span(hashes, count));
}

}  // namespace lxnet
