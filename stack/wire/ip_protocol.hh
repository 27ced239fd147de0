// The number after an IP header: IPv4's protocol field and IPv6's next header, one IANA registry.
#pragma once

#include <cstdint>

namespace lxnet {

// Any value may arrive; these are the ones the stack knows by name.
enum class IpProtocol : uint8_t {
  HopByHop = 0,
  Icmp = 1,
  Igmp = 2,
  Ipv4 = 4,  // IP in IP
  Tcp = 6,
  Egp = 8,
  Pup = 12,
  Udp = 17,
  Idp = 22,
  Dccp = 33,
  Ipv6 = 41,
  Routing = 43,
  Fragment = 44,
  Rsvp = 46,
  Gre = 47,
  EncapsulatingSecurity = 50,
  Authentication = 51,
  Icmpv6 = 58,
  NoNextHeader = 59,
  DestinationOptions = 60,
  Pim = 103,
  Sctp = 132,
  Mobility = 135,
  UdpLite = 136,
  Raw = 255,
};

}  // namespace lxnet
