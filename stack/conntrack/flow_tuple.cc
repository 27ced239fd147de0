#include "stack/conntrack/flow_tuple.hh"

#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {
namespace {

template <typename T>
bool read_at(const Packet& packet, size_t at, T& value) {
  return packet.read(at, mutable_bytes_of(value)) == sizeof value;
}

// ICMPv6 node information (RFC 4620).
constexpr uint8_t kNodeQuery = 139, kNodeReply = 140;

std::optional<uint8_t> answer_of4(uint8_t type) {
  switch (Icmp4Type{type}) {
    case Icmp4Type::Echo:
      return static_cast<uint8_t>(Icmp4Type::EchoReply);
    case Icmp4Type::EchoReply:
      return static_cast<uint8_t>(Icmp4Type::Echo);
    case Icmp4Type::Timestamp:
    case Icmp4Type::InformationRequest:
    case Icmp4Type::AddressMaskRequest:
      return static_cast<uint8_t>(type + 1);
    case Icmp4Type::TimestampReply:
    case Icmp4Type::InformationReply:
    case Icmp4Type::AddressMaskReply:
      return static_cast<uint8_t>(type - 1);
    default:
      return std::nullopt;
  }
}

std::optional<uint8_t> answer_of6(uint8_t type) {
  switch (type) {
    case static_cast<uint8_t>(Icmp6Type::EchoRequest):
    case kNodeQuery:
      return static_cast<uint8_t>(type + 1);
    case static_cast<uint8_t>(Icmp6Type::EchoReply):
    case kNodeReply:
      return static_cast<uint8_t>(type - 1);
    default:
      return std::nullopt;
  }
}

// ipv6_skip_exthdr(): past them all; a chain longer than a packet ends where the packet does.
std::optional<FlowHeaders> find_headers6(const Packet& packet, uint32_t at) {
  Ipv6Header header;
  if (!read_at(packet, at, header)) return std::nullopt;
  uint8_t next = header.next_header;
  at += static_cast<uint32_t>(sizeof header);
  while (is_ipv6_extension(IpProtocol{next})) {
    uint8_t head[2];
    if (!read_at(packet, at, head)) return std::nullopt;
    uint32_t size = (uint32_t{head[1]} + 1) * 8;
    if (IpProtocol{next} == IpProtocol::Authentication) size = (uint32_t{head[1]} + 2) * 4;
    if (IpProtocol{next} == IpProtocol::Fragment) {
      Ipv6FragmentHeader fragment;
      if (!read_at(packet, at, fragment) || fragment.fragment_offset() != 0) return std::nullopt;
      size = sizeof fragment;
    }
    next = head[0];
    at += size;
  }
  if (IpProtocol{next} == IpProtocol::NoNextHeader || at >= packet.size()) return std::nullopt;
  return FlowHeaders{.family = IpFamily::V6, .protocol = next, .transport_offset = at};
}

std::optional<FlowHeaders> find_headers4(const Packet& packet, uint32_t at) {
  Ipv4Header header;
  if (!read_at(packet, at, header)) return std::nullopt;
  if (header.fragment_offset() != 0 || header.header_size() < sizeof header) return std::nullopt;
  const auto offset = static_cast<uint32_t>(at + header.header_size());
  if (offset > packet.size()) return std::nullopt;
  return FlowHeaders{.family = IpFamily::V4, .protocol = header.protocol, .transport_offset = offset};
}

}  // namespace

std::optional<FlowHeaders> find_flow_headers(const Packet& packet, IpFamily family, uint32_t at) {
  return family == IpFamily::V4 ? find_headers4(packet, at) : find_headers6(packet, at);
}

std::optional<FlowTuple> read_flow_tuple(const Packet& packet, const FlowHeaders& headers, uint32_t at) {
  FlowTuple tuple;
  tuple.family = headers.family;
  tuple.protocol = headers.protocol;
  if (headers.family == IpFamily::V4) {
    Ipv4Header header;
    if (!read_at(packet, at, header)) return std::nullopt;
    tuple.source = header.source;
    tuple.destination = header.destination;
  } else {
    Ipv6Header header;
    if (!read_at(packet, at, header)) return std::nullopt;
    tuple.source = header.source;
    tuple.destination = header.destination;
  }
  switch (IpProtocol{headers.protocol}) {
    case IpProtocol::Tcp:
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
    case IpProtocol::Sctp: {
      // Of what an ICMP message cites there may be no more than eight bytes.
      Be16 ports[4];
      if (!read_at(packet, headers.transport_offset, ports)) return std::nullopt;
      tuple.source_part = ports[0];
      tuple.destination_part = ports[1];
      return tuple;
    }
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6: {
      const bool is_of_family = (IpProtocol{headers.protocol} == IpProtocol::Icmp) == (headers.family == IpFamily::V4);
      Be16 words[4];
      if (!is_of_family) return tuple;
      if (!read_at(packet, headers.transport_offset, words)) return std::nullopt;
      tuple.source_part = words[2];
      tuple.destination_part = words[0];
      return tuple;
    }
    default:
      return tuple;
  }
}

std::optional<FlowTuple> FlowTuple::inverted() const {
  FlowTuple answer = *this;
  answer.source = destination;
  answer.destination = source;
  const bool is_icmp4 = IpProtocol{protocol} == IpProtocol::Icmp, is_icmp6 = IpProtocol{protocol} == IpProtocol::Icmpv6;
  if (!is_icmp4 && !is_icmp6) {
    answer.source_part = destination_part;
    answer.destination_part = source_part;
    return answer;
  }
  const std::optional<uint8_t> type = is_icmp4 ? answer_of4(icmp_type()) : answer_of6(icmp_type());
  if (!type) return std::nullopt;
  answer.destination_part.set(static_cast<uint16_t>(*type << 8 | icmp_code()));
  return answer;
}

}  // namespace lxnet
