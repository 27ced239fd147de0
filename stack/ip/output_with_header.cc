// Sending packets whose IP header the program has written itself (IP_HDRINCL).
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {

namespace {

// Linux fills in what is its own business: length and checksum always, source and identification where they are zero.
Result<> complete_header(Entry& entry, Packet& packet, const Route& route) {
  if (!packet.pull_up(sizeof(Ipv4Header)).is_ok()) return Errno::EINVAL;
  const size_t header_size = reinterpret_cast<const Ipv4Header*>(packet.linear().data())->header_size();
  if (header_size > packet.size()) return Errno::EINVAL;
  // A header that says it is shorter than one is sent as it is.
  if (header_size < sizeof(Ipv4Header)) return ok();
  TRY(packet.make_writable(header_size));
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.mutable_linear().data());
  if (header.source.is_unspecified()) header.source = route.source.v4();
  header.total_length.set(static_cast<uint16_t>(packet.size()));
  if (header.identification.get() == 0 && !header.dont_fragment()) {
    header.identification.set(
        entry.stack().ip().identification().next_v4(entry.now(), header.source, header.destination, header.protocol, 1));
  }
  header.update_header_checksum();
  const bool is_icmp = IpProtocol{header.protocol} == IpProtocol::Icmp;
  uint8_t type = 0;
  if (is_icmp && packet.size() >= header_size + 8 && packet.read(header_size, MutableByteSpan(&type, 1)) == 1) {
    count(entry, Mib::IcmpOutMsgs);
    entry.stack().mib().count_icmp4(MibCounters::Direction::Out, type);
  }
  return ok();
}

}  // namespace

Result<> ip_send_with_header(Entry& entry, Ref<Packet> packet, const Route& route) {
  const uint32_t mtu = ip_send_mtu(route, PathMtuMode::Interface);
  if (packet->size() > mtu) return Errno::EMSGSIZE;
  TRY(packet->ensure_headroom(Packet::kDefaultHeadroom / 4));
  if (!route.destination.is_v4()) {
    if (!packet->pull_up(sizeof(Ipv6Header)).is_ok()) return Errno::EINVAL;
    return ip6_dispatch(entry, std::move(packet), route, {.mtu = mtu, .multicast_loop = MulticastLoop::Yes});
  }
  TRY(complete_header(entry, *packet, route));
  return ip4_dispatch(entry, std::move(packet), route, {.mtu = mtu, .multicast_loop = MulticastLoop::Yes});
}

}  // namespace lxnet
