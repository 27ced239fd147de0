// As Linux's xt_tcpudp.c and xt_multiport.c. Only the first fragment of a packet has ports.
#include "stack/filter/match_transport.hh"

#include "base/endian.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {
namespace {

constexpr uint8_t kInvertSourcePort = 1, kInvertDestinationPort = 2, kInvertFlags = 4, kInvertOption = 8;

struct Ports {
  Be16 source, destination;
};
static_assert(sizeof(Ports) == 4);

bool is_in(const uint16_t (&range)[2], uint16_t port, bool is_inverted) {
  return (port >= range[0] && port <= range[1]) != is_inverted;
}

// RFC 9293, 3.1: kinds 0 and 1 are one byte, others say their size; one that says zero is taken for one byte.
bool has_option(FilterPacket& packet, const TcpHeader& header, const TcpMatchSettings& wanted) {
  const bool is_inverted = (wanted.inverted & kInvertOption) != 0;
  if (header.header_size() < sizeof header) {
    packet.is_broken = true;
    return false;
  }
  const size_t size = header.header_size() - sizeof header;
  if (size == 0) return is_inverted;
  uint8_t options[TcpHeader::kMaxOptionsSize + 1] = {};
  if (packet.packet.read(packet.transport_offset + sizeof header, MutableByteSpan(options, size)) != size) {
    packet.is_broken = true;
    return false;
  }
  for (size_t at = 0; at < size;) {
    if (options[at] == wanted.option) return !is_inverted;
    at += options[at] < 2 || options[at + 1] == 0 ? 1 : options[at + 1];
  }
  return is_inverted;
}

bool agrees_icmp(FilterPacket& packet, const FilterMatch& match, bool may_be_any) {
  constexpr uint8_t kAnyType = 0xff;
  if (packet.fragment_offset != 0) return false;
  uint8_t header[8];
  if (!packet.read_transport(header)) return false;
  const auto wanted = settings_of<IcmpMatchSettings>(match.data);
  const bool is_type = header[0] == wanted.type && header[1] >= wanted.first_code && header[1] <= wanted.last_code;
  return ((may_be_any && wanted.type == kAnyType) || is_type) != ((wanted.inverted & 1) != 0);
}

constexpr uint8_t kMultiportSource = 0, kMultiportDestination = 1, kMultiportEither = 2;

bool is_listed(const MultiportSettings& wanted, const Ports& ports) {
  const bool asks_source = wanted.which != kMultiportDestination, asks_destination = wanted.which != kMultiportSource;
  for (size_t i = 0; i < wanted.count && i < MultiportSettings::kPorts; ++i) {
    uint16_t range[2] = {wanted.ports[i], wanted.ports[i]};
    if (wanted.begins_range[i] != 0 && i + 1 < MultiportSettings::kPorts) range[1] = wanted.ports[++i];
    if (asks_source && is_in(range, ports.source.get(), false)) return true;
    if (asks_destination && is_in(range, ports.destination.get(), false)) return true;
  }
  return false;
}

// Every range has an end, which is no beginning and not before its own.
bool has_whole_ranges(const MultiportSettings& wanted) {
  for (size_t i = 0; i < wanted.count; ++i) {
    if (wanted.begins_range[i] == 0) continue;
    if (++i == wanted.count || wanted.begins_range[i] != 0 || wanted.ports[i - 1] > wanted.ports[i]) return false;
  }
  return true;
}

}  // namespace

Result<> check_tcp_match(const RuleFacts&, ByteSpan data) {
  constexpr uint8_t kKnown = kInvertSourcePort | kInvertDestinationPort | kInvertFlags | kInvertOption;
  if ((settings_of<TcpMatchSettings>(data).inverted & ~kKnown) != 0) return Errno::EINVAL;
  return ok();
}

bool matches_tcp(FilterPacket& packet, FilterMatch& match) {
  if (packet.fragment_offset != 0) {
    // RFC 1858: what begins inside the TCP header wants to change its flags behind the filter's back.
    if (packet.fragment_offset == 1) packet.is_broken = true;
    return false;
  }
  TcpHeader header;
  if (!packet.read_transport(header)) return false;
  const auto wanted = settings_of<TcpMatchSettings>(match.data);
  if (!is_in(wanted.source_ports, header.source_port.get(), (wanted.inverted & kInvertSourcePort) != 0)) return false;
  if (!is_in(wanted.destination_ports, header.destination_port.get(), (wanted.inverted & kInvertDestinationPort) != 0))
    return false;
  const auto flags = static_cast<uint8_t>(header.offset_and_flags.get());
  if (((flags & wanted.flag_mask) == wanted.flags) == ((wanted.inverted & kInvertFlags) != 0)) return false;
  return wanted.option == 0 || has_option(packet, header, wanted);
}

Result<> check_udp_match(const RuleFacts&, ByteSpan data) {
  constexpr uint8_t kKnown = kInvertSourcePort | kInvertDestinationPort;
  if ((settings_of<UdpMatchSettings>(data).inverted & ~kKnown) != 0) return Errno::EINVAL;
  return ok();
}

bool matches_udp(FilterPacket& packet, FilterMatch& match) {
  if (packet.fragment_offset != 0) return false;
  struct {
    Ports ports;
    Be16 length, checksum;
  } header;
  if (!packet.read_transport(header)) return false;
  const auto wanted = settings_of<UdpMatchSettings>(match.data);
  return is_in(wanted.source_ports, header.ports.source.get(), (wanted.inverted & kInvertSourcePort) != 0) &&
         is_in(wanted.destination_ports, header.ports.destination.get(), (wanted.inverted & kInvertDestinationPort) != 0);
}

Result<> check_icmp_match(const RuleFacts&, ByteSpan data) {
  if ((settings_of<IcmpMatchSettings>(data).inverted & ~1) != 0) return Errno::EINVAL;
  return ok();
}

bool matches_icmp4(FilterPacket& packet, FilterMatch& match) { return agrees_icmp(packet, match, true); }
bool matches_icmp6(FilterPacket& packet, FilterMatch& match) { return agrees_icmp(packet, match, false); }

Result<> check_multiport(const RuleFacts& rule, ByteSpan data) {
  const auto wanted = settings_of<MultiportSettings>(data);
  bool has_ports = false;
  for (const IpProtocol protocol : {IpProtocol::Tcp, IpProtocol::Udp, IpProtocol::UdpLite, IpProtocol::Sctp, IpProtocol::Dccp}) {
    if (rule.protocol == static_cast<uint16_t>(protocol)) has_ports = true;
  }
  if (!has_ports || rule.inverts_protocol || wanted.which > kMultiportEither || wanted.count > MultiportSettings::kPorts)
    return Errno::EINVAL;
  return has_whole_ranges(wanted) ? Result<>(ok()) : Errno::EINVAL;
}

bool matches_multiport(FilterPacket& packet, FilterMatch& match) {
  if (packet.fragment_offset != 0) return false;
  Ports ports;
  if (!packet.read_transport(ports)) return false;
  const auto wanted = settings_of<MultiportSettings>(match.data);
  return is_listed(wanted, ports) != (wanted.inverted != 0);
}

}  // namespace lxnet
