// The pseudo-headers under the checksums of TCP, UDP and ICMPv6 (RFC 9293 3.1, RFC 8200 8.1).
//
// What comes back has the pseudo-header summed: add the segment and finish(), or store its sum() in the checksum field when a
// device is to do the rest.
#pragma once

#include "base/checksum.hh"
#include "stack/wire/addresses.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {

inline InternetChecksum pseudo_header_checksum(Ipv4Address source, Ipv4Address destination, IpProtocol protocol, uint32_t size) {
  InternetChecksum checksum;
  checksum.add_u32(source.value());
  checksum.add_u32(destination.value());
  checksum.add_u16(static_cast<uint16_t>(protocol));
  checksum.add_u32(size);  // sixteen bits in the header: the same sum
  return checksum;
}

inline InternetChecksum pseudo_header_checksum(const Ipv6Address& source, const Ipv6Address& destination, IpProtocol protocol,
                                               uint32_t size) {
  InternetChecksum checksum;
  checksum.add(source.bytes());
  checksum.add(destination.bytes());
  checksum.add_u32(size);
  checksum.add_u32(static_cast<uint32_t>(protocol));
  return checksum;
}

}  // namespace lxnet
