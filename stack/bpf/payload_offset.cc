// SKF_AD_PAY_OFFSET: as much of Linux's flow dissector as finds the payload of TCP, UDP and their like over IPv4 and IPv6
// (skb_get_poff). Not looked into: tunnels, MPLS, PPPoE.
#include <algorithm>

#include "stack/bpf/bpf_packet.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

constexpr int64_t kTcpDataOffset = offsetof(TcpHeader, offset_and_flags);

struct Transport {
  IpProtocol protocol = IpProtocol::Raw;
  int64_t offset = 0;
  bool is_later_fragment = false;
};

template <typename Header>
std::optional<Header> read_header(const BpfPacket& packet, int64_t offset) {
  Header header{};
  if (!packet.copy(offset, mutable_bytes_of(header))) return std::nullopt;
  return header;
}

std::optional<Transport> find_over_ipv4(const BpfPacket& packet, int64_t offset) {
  const auto header = read_header<Ipv4Header>(packet, offset);
  if (!header || !Ipv4Header::parse(bytes_of(*header)).is_ok()) return std::nullopt;
  return Transport{.protocol = IpProtocol{header->protocol},
                   .offset = offset + static_cast<int64_t>(header->header_size()),
                   .is_later_fragment = header->fragment_offset() != 0};
}

std::optional<Transport> find_over_ipv6(const BpfPacket& packet, int64_t offset) {
  const auto header = read_header<Ipv6Header>(packet, offset);
  if (!header) return std::nullopt;
  Transport found{.protocol = IpProtocol{header->next_header}, .offset = offset + static_cast<int64_t>(sizeof(Ipv6Header))};
  while (!found.is_later_fragment) {
    if (found.protocol == IpProtocol::Fragment) {
      const auto fragment = read_header<Ipv6FragmentHeader>(packet, found.offset);
      if (!fragment) return std::nullopt;
      found = {IpProtocol{fragment->next_header}, found.offset + 8, fragment->fragment_offset() != 0};
      continue;
    }
    if (found.protocol != IpProtocol::HopByHop && found.protocol != IpProtocol::Routing &&
        found.protocol != IpProtocol::DestinationOptions) {
      break;
    }
    const auto extension = read_header<Ipv6ExtensionHeader>(packet, found.offset);
    if (!extension) return std::nullopt;
    found = {IpProtocol{extension->next_header}, found.offset + static_cast<int64_t>(extension->size()), false};
  }
  return found;
}

int64_t transport_header_size(const BpfPacket& packet, const Transport& transport) {
  switch (transport.protocol) {
    case IpProtocol::Tcp: {
      uint8_t data_offset = 0;
      if (!packet.copy(transport.offset + kTcpDataOffset, MutableByteSpan(&data_offset, 1))) return 0;
      return std::max<int64_t>((data_offset >> 4) * 4, sizeof(TcpHeader));
    }
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6:
    case IpProtocol::Igmp:
      return 8;
    case IpProtocol::Dccp:
    case IpProtocol::Sctp:
      return 12;
    default:
      return 0;
  }
}

}  // namespace

uint32_t bpf_payload_offset(const BpfPacket& packet) {
  if (!packet.network_offset) return 0;
  std::optional<Transport> transport;
  if (EtherType{packet.protocol} == EtherType::Ipv4) transport = find_over_ipv4(packet, *packet.network_offset);
  if (EtherType{packet.protocol} == EtherType::Ipv6) transport = find_over_ipv6(packet, *packet.network_offset);
  if (!transport || transport->offset < 0) return 0;
  if (transport->is_later_fragment) return static_cast<uint32_t>(transport->offset);
  return static_cast<uint32_t>(transport->offset + transport_header_size(packet, *transport));
}

}  // namespace lxnet
