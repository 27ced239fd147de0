// IP_HDRINCL and IPV6_HDRINCL: the program brings the IP header (Linux's raw_send_hdrinc and rawv6_send_hdrinc).
//
// Of an IPv4 header Linux fills in what only it can know: the total length, the checksum, and where they are zero the source and
// the identification. An IPv6 header is sent as it is. Neither is ever cut.
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {
namespace {

Result<> complete_header(Entry& entry, Packet& packet, const Route& route) {
  if (packet.linear().size() < sizeof(Ipv4Header)) return Errno::EINVAL;
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.mutable_linear().data());
  const size_t size = header.header_size();
  if (size > packet.linear().size() || packet.size() > UINT16_MAX) return Errno::EINVAL;
  // A header too short to be one goes out as it is, on Linux too.
  if (size < sizeof(Ipv4Header)) return ok();
  if (header.source.is_unspecified()) header.source = route.source.v4();
  header.total_length.set(static_cast<uint16_t>(packet.size()));
  if (header.identification.get() == 0) {
    header.identification.set(
        entry.stack().ip().identification().next_v4(entry.now(), header.source, header.destination, header.protocol, 1));
  }
  header.checksum.set(0);
  header.checksum.set(internet_checksum(packet.linear().first(size)));
  return ok();
}

}  // namespace

Result<> ip_send_with_header(Entry& entry, Ref<Packet> packet, const Route& route) {
  const IpDispatch how{.mtu = route.output->mtu(), .multicast_loop = MulticastLoop::Yes};
  if (!route.destination.is_v4()) {
    if (packet->linear().size() < 40) return Errno::EINVAL;
    return ip6_dispatch(entry, std::move(packet), route, how);
  }
  TRY(complete_header(entry, *packet, route));
  return ip4_dispatch(entry, std::move(packet), route, how);
}

}  // namespace lxnet
