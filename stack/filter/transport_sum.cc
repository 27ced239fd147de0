#include "stack/filter/transport_sum.hh"

#include "stack/wire/ip_protocol.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

bool is_summed(const Packet& packet, uint8_t protocol, uint32_t transport_offset) {
  switch (IpProtocol{protocol}) {
    case IpProtocol::Udp: {
      UdpHeader header;
      return packet.read(transport_offset, mutable_bytes_of(header)) == sizeof header && header.checksum.get() != 0;
    }
    case IpProtocol::Gre:
    case IpProtocol::Authentication:
    case IpProtocol::EncapsulatingSecurity:
    case IpProtocol::Sctp:
    case IpProtocol::UdpLite:
    case IpProtocol::Dccp:
      return false;
    default:
      return true;
  }
}

InternetChecksum pseudo_header(const FilterPacket& seen, IpProtocol protocol, size_t size) {
  const auto length = static_cast<uint32_t>(size);
  const IpAddress source = seen.source_address(), destination = seen.destination_address();
  if (seen.family == IpFamily::V4) return pseudo_header_checksum(source.v4(), destination.v4(), protocol, length);
  return pseudo_header_checksum(source.v6(), destination.v6(), protocol, length);
}

}  // namespace

bool is_transport_sum_sound(const FilterPacket& seen, uint8_t protocol, uint32_t transport_offset) {
  const Packet& packet = seen.packet;
  if (packet.checksum != ChecksumState::Unknown || !is_summed(packet, protocol, transport_offset)) return true;
  if (transport_offset > packet.size()) return false;
  const size_t size = packet.size() - transport_offset;
  const IpProtocol number{protocol};
  const bool has_pseudo_header = seen.family == IpFamily::V6 || number == IpProtocol::Tcp || number == IpProtocol::Udp;
  InternetChecksum sum = has_pseudo_header ? pseudo_header(seen, number, size) : InternetChecksum();
  packet.for_each_run(transport_offset, size, [&](ByteSpan run) { sum.add(run); });
  return sum.finish() == 0;
}

}  // namespace lxnet
