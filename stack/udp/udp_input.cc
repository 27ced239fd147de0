// From IP to the sockets: RFC 768, RFC 3828, RFC 8200 section 8.1, and RFC 1122 section 4.1.3 where nobody listens.
#include "stack/udp/udp_input.hh"

#include <optional>

#include "stack/datagram/group_filter.hh"
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"
#include "stack/udp/udp_socket.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

struct UdpMib {
  Mib no_ports, errors, checksum_errors, ignored_multicast;
};
constexpr UdpMib kMib4{Mib::UdpNoPorts, Mib::UdpInErrors, Mib::UdpInCsumErrors, Mib::UdpIgnoredMulti};
constexpr UdpMib kMib6{Mib::Udp6NoPorts, Mib::Udp6InErrors, Mib::Udp6InCsumErrors, Mib::Udp6IgnoredMulti};

const UdpMib& mib_of(const IpInfo& info) { return info.destination.is_v4() ? kMib4 : kMib6; }

bool has_right_checksum(const Packet& packet, const IpInfo& info) {
  const auto size = static_cast<uint32_t>(packet.size());
  InternetChecksum sum = info.destination.is_v4()
                             ? pseudo_header_checksum(info.source.v4(), info.destination.v4(), IpProtocol::Udp, size)
                             : pseudo_header_checksum(info.source.v6(), info.destination.v6(), IpProtocol::Udp, size);
  packet.for_each_run(0, packet.size(), [&](ByteSpan run) { sum.add(run); });
  return sum.is_valid();
}

// UDP-Lite: 0 covers all. Nothing: the coverage lies, or the sum is wrong or missing, which RFC 3828 section 3.1 forbids.
std::optional<size_t> right_coverage(const Packet& packet, const UdpHeader& header, const IpInfo& info) {
  const size_t size = packet.size(), said = header.length.get(), covered = said == 0 ? size : said;
  if (header.checksum.get() == 0 || covered < sizeof(UdpHeader) || covered > size) return std::nullopt;
  const auto length = static_cast<uint32_t>(size);
  InternetChecksum sum = info.destination.is_v4()
                             ? pseudo_header_checksum(info.source.v4(), info.destination.v4(), IpProtocol::UdpLite, length)
                             : pseudo_header_checksum(info.source.v6(), info.destination.v6(), IpProtocol::UdpLite, length);
  packet.for_each_run(0, covered, [&](ByteSpan run) { sum.add(run); });
  return sum.is_valid() ? std::optional<size_t>(covered) : std::nullopt;
}

// Cuts link padding off. False: the lengths lie.
bool trim_to_length(Packet& packet, const UdpHeader& header) {
  size_t length = header.length.get();
  if (length == 0 && !ip_info(packet).destination.is_v4()) length = packet.size();
  // What was joined from several datagrams says the length of the first, or of all together cut to sixteen bits.
  if (packet.segmentation == SegmentationKind::Udp) return packet.size() >= sizeof(UdpHeader);
  if (length < sizeof(UdpHeader) || length > packet.size()) return false;
  packet.trim(length);
  return true;
}

// The filter sees the UDP header too; of a packet that is still to be cut into datagrams, each has its own.
bool passes_filter(UdpSocket& socket, Packet& packet) {
  if (socket.attachments.filter() == nullptr) return true;
  const bool is_cut = packet.segmentation == SegmentationKind::Udp && !socket.udp_options.receives_segments;
  return is_cut || socket.attachments.admits(packet, sizeof(UdpHeader));
}

bool segment_passes_filter(UdpSocket& socket, Packet& segment, const UdpHeader& whole) {
  if (socket.attachments.filter() == nullptr) return true;
  if (!segment.ensure_headroom(sizeof(UdpHeader)).is_ok()) return false;
  auto& header = segment.push_header<UdpHeader>();
  header = whole;
  header.length.set(static_cast<uint16_t>(segment.size()));
  if (!socket.attachments.admits(segment, sizeof(UdpHeader))) return false;
  segment.consume(sizeof(UdpHeader));
  return true;
}

// RFC 3948: with UDP_ENCAP a single 0xff keeps a translator's mapping alive, and what does not begin with four zeros is ESP, for
// which there is no association here; the rest is the key exchange's (Linux's __xfrm4_udp_encap_rcv).
enum class Encapsulated : uint8_t { Program, KeepAlive, Esp };
Encapsulated kind_of(const UdpSocket& socket, const Packet& packet) {
  if (socket.udp_options.encapsulation != UdpOptions::kEspInUdp) return Encapsulated::Program;
  uint8_t first[4] = {};
  const size_t size = packet.size() - sizeof(UdpHeader);
  packet.read(sizeof(UdpHeader), MutableByteSpan(first));
  if (size == 1 && first[0] == 0xff) return Encapsulated::KeepAlive;
  const bool has_marker = first[0] == 0 && first[1] == 0 && first[2] == 0 && first[3] == 0;
  constexpr size_t kEspHeader = 8;
  return size <= kEspHeader || has_marker ? Encapsulated::Program : Encapsulated::Esp;
}

void drop_filtered(Entry& entry, UdpSocket& socket, Ref<Packet> packet) {
  socket.count_drop();
  count(entry, mib_of(ip_info(*packet)).errors);
  drop(entry, std::move(packet), DropReason::SocketFilter);
}

// A packet that segmentation offload or coalescing made of several goes to a socket that does not expect such as what it was.
void deliver_segments(Entry& entry, UdpSocket& socket, Ref<Packet> packet) {
  if (packet->segmentation != SegmentationKind::Udp || socket.udp_options.receives_segments || packet->segment_size == 0) {
    socket.deliver(entry, std::move(packet));
    return;
  }
  const UdpHeader header = *reinterpret_cast<const UdpHeader*>(packet->transport_header());
  const size_t size = packet->size(), step = packet->segment_size;
  for (size_t offset = 0; offset < size; offset += step) {
    auto piece = packet->clone();
    if (!piece.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
    Ref<Packet> segment = piece.take();
    segment->consume(offset);
    if (segment->size() > step) segment->trim(step);
    segment->segmentation = SegmentationKind::None;
    segment->set_true_size(Packet::kCharge + Packet::kInlineCharge + static_cast<uint32_t>(segment->size()));
    segment->control<DatagramInfo>() = datagram_info(*packet);
    if (!segment_passes_filter(socket, *segment, header)) {
      drop_filtered(entry, socket, std::move(segment));
      continue;
    }
    socket.deliver(entry, std::move(segment));
  }
}

PayloadSum sum_of(const UdpSocket& socket, const Packet& packet) {
  constexpr size_t kSummedAtOnce = 76;  // CHECKSUM_BREAK
  if (packet.checksum != ChecksumState::Unknown) return PayloadSum::Never;
  const auto& header = *reinterpret_cast<const UdpHeader*>(packet.linear().data());
  const size_t size = packet.size(), said = header.length.get();
  if (header.checksum.get() == 0 || (said != 0 && said < size)) return PayloadSum::Never;
  return size <= kSummedAtOnce || socket.attachments.filter() ? PayloadSum::Known : PayloadSum::WhenCut;
}

void hand_over(Entry& entry, Socket& socket, Ref<Packet> packet, uint16_t source_port) {
  auto& udp = static_cast<UdpSocket&>(socket);
  datagram_info(*packet).sum = sum_of(udp, *packet);
  if (!passes_filter(udp, *packet)) return drop_filtered(entry, udp, std::move(packet));
  if (const Encapsulated kind = kind_of(udp, *packet); kind != Encapsulated::Program) {
    // Nothing here speaks ESP.
    if (kind == Encapsulated::Esp) icmp_send_port_unreachable(entry, *packet);
    return drop(entry, std::move(packet), DropReason::UdpNoSocket);
  }
  packet->consume(sizeof(UdpHeader));
  datagram_info(*packet).source_port = source_port;
  deliver_segments(entry, udp, std::move(packet));
}

// Of a datagram of which only so many bytes are covered. A socket that asked for full coverage takes none such.
bool accepts_coverage(const UdpSocket& socket, size_t covered) {
  const UdpOptions& options = socket.udp_options;
  return !options.has_receive_coverage || (options.receive_coverage != 0 && covered >= options.receive_coverage);
}

PacketTuple tuple_of(DemuxSpace space, const IpInfo& info, const UdpHeader& header, Packet* packet) {
  return {.space = space,
          .local = info.destination,
          .remote = info.source,
          .local_port = header.destination_port.get(),
          .remote_port = header.source_port.get(),
          .interface_index = info.interface_index,
          .hashes = packet->receiver_hashes,
          .packet = packet,
          .header_size = sizeof(UdpHeader)};
}

// ------------------------------------------------------------------------------------------------------ groups and broadcasts

struct GroupDelivery {
  Entry& entry;
  Packet& packet;
  uint16_t source_port;
  size_t lacking = 0;  // UDP-Lite: covers no more than this; 0: everything
  unsigned receivers = 0;
};

void deliver_to_member(void* context, Socket& socket) {
  auto& delivery = *static_cast<GroupDelivery*>(context);
  if (!accepts_group(socket, ip_info(delivery.packet))) return;
  if (delivery.lacking != 0 && !accepts_coverage(static_cast<UdpSocket&>(socket), delivery.lacking)) return;
  ++delivery.receivers;
  auto copy = delivery.packet.clone();
  if (!copy.is_ok()) {
    delivery.entry.stack().drops().count(DropReason::NoMemory);
    return;
  }
  Ref<Packet> packet = copy.take();
  packet->set_true_size(delivery.packet.true_size());
  packet->control<DatagramInfo>() = datagram_info(delivery.packet);
  hand_over(delivery.entry, socket, std::move(packet), delivery.source_port);
}

void receive_group(Entry& entry, Ref<Packet> packet, const PacketTuple& tuple, size_t lacking = 0) {
  GroupDelivery delivery{entry, *packet, tuple.remote_port, lacking};
  entry.stack().sockets().visit_datagram(tuple, &deliver_to_member, &delivery);
  if (delivery.receivers != 0) return;
  if (tuple.space == DemuxSpace::Udp) count(entry, mib_of(ip_info(*packet)).ignored_multicast);
  drop(entry, std::move(packet), DropReason::UdpNoSocket);
}

void answer_unreachable(Entry& entry, Ref<Packet> packet) {
  constexpr uint8_t kUnreachable4 = 3, kPort4 = 3, kUnreachable6 = 1, kPort6 = 4;
  const IpInfo& info = ip_info(*packet);
  if (info.protocol == static_cast<uint8_t>(IpProtocol::Udp)) count(entry, mib_of(info).no_ports);
  if (info.destination.is_v4()) {
    icmp4_send_error(entry, *packet, kUnreachable4, kPort4, 0);
  } else {
    icmp6_send_error(entry, *packet, kUnreachable6, kPort6, 0);
  }
  drop(entry, std::move(packet), DropReason::UdpNoSocket);
}

void drop_bad(Entry& entry, Ref<Packet> packet, DropReason reason) {
  const UdpMib& mib = mib_of(ip_info(*packet));
  count(entry, mib.errors);
  if (reason == DropReason::UdpChecksum) count(entry, mib.checksum_errors);
  drop(entry, std::move(packet), reason);
}

}  // namespace

void udp_receive(Entry& entry, Ref<Packet> packet) {
  auto parsed = packet->header<UdpHeader>();
  if (!parsed.is_ok()) return drop_bad(entry, std::move(packet), DropReason::UdpHeader);
  const UdpHeader& header = *parsed.take();
  if (!trim_to_length(*packet, header)) return drop_bad(entry, std::move(packet), DropReason::UdpHeader);
  const IpInfo& info = ip_info(*packet);
  const bool has_checksum = header.checksum.get() != 0;
  if (has_checksum && packet->checksum == ChecksumState::Unknown && !has_right_checksum(*packet, info)) {
    return drop_bad(entry, std::move(packet), DropReason::UdpChecksum);
  }
  const PacketTuple tuple = tuple_of(DemuxSpace::Udp, info, header, packet.get());
  const bool lacks_checksum = !has_checksum && !info.destination.is_v4();
  if (info.is_multicast || info.is_broadcast) {
    if (lacks_checksum) return drop_bad(entry, std::move(packet), DropReason::UdpChecksum);
    return receive_group(entry, std::move(packet), tuple);
  }
  const SocketHold socket = entry.stack().sockets().find_datagram(tuple);
  // RFC 8200 forbids a zero checksum; RFC 6935 lets a socket that knows what it does take it.
  if (lacks_checksum && !(socket && static_cast<UdpSocket&>(*socket).udp_options.no_check6_rx)) {
    return drop_bad(entry, std::move(packet), DropReason::UdpChecksum);
  }
  if (!socket) return answer_unreachable(entry, std::move(packet));
  hand_over(entry, *socket, std::move(packet), tuple.remote_port);
}

void udp_lite_receive(Entry& entry, Ref<Packet> packet) {
  auto parsed = packet->header<UdpHeader>();
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::UdpHeader);
  const UdpHeader& header = *parsed.take();
  const IpInfo& info = ip_info(*packet);
  const std::optional<size_t> covered = right_coverage(*packet, header, info);
  if (!covered) return drop(entry, std::move(packet), DropReason::UdpChecksum);
  const size_t lacking = *covered < packet->size() ? *covered : 0;
  const PacketTuple tuple = tuple_of(DemuxSpace::UdpLite, info, header, packet.get());
  if (info.is_multicast || info.is_broadcast) return receive_group(entry, std::move(packet), tuple, lacking);
  const SocketHold socket = entry.stack().sockets().find_datagram(tuple);
  if (!socket) return answer_unreachable(entry, std::move(packet));
  if (lacking != 0 && !accepts_coverage(static_cast<UdpSocket&>(*socket), lacking)) {
    return drop(entry, std::move(packet), DropReason::UdpChecksum);
  }
  hand_over(entry, *socket, std::move(packet), tuple.remote_port);
}

namespace {

void receive_error(Entry& entry, const IpError& error, DemuxSpace space) {
  if (error.cited == nullptr) return;
  auto parsed = UdpHeader::parse(error.cited->linear());
  if (!parsed.is_ok()) return;
  const UdpHeader& header = *parsed.take();
  const PacketTuple tuple{.space = space,
                          .local = error.source,
                          .remote = error.destination,
                          .local_port = header.source_port.get(),
                          .remote_port = header.destination_port.get(),
                          .interface_index = error.interface_index};
  const SocketHold socket = entry.stack().sockets().find_datagram(tuple);
  if (!socket) return;
  // Linux takes what a socket with UDP_ENCAP sends for a tunnel's, whose errors are the tunnel's business.
  if (static_cast<UdpSocket&>(*socket).udp_options.encapsulation != UdpOptions::kNoEncapsulation) return;
  auto copy = error.cited->clone();
  Ref<Packet> payload = copy.is_ok() ? copy.take() : nullptr;
  if (payload) payload->consume(sizeof(UdpHeader));
  static_cast<UdpSocket&>(*socket).deliver_error(entry, error, tuple.remote_port, std::move(payload));
}

}  // namespace

void udp_receive_error(Entry& entry, const IpError& error) { receive_error(entry, error, DemuxSpace::Udp); }
void udp_lite_receive_error(Entry& entry, const IpError& error) { receive_error(entry, error, DemuxSpace::UdpLite); }

}  // namespace lxnet
