// sockaddr_in and sockaddr_in6 to Endpoint and back, with the checks each call makes.
#pragma once

#include "compat/syscalls/sockaddr.hh"
#include "stack/ip_address.hh"

namespace lxnet {

struct UserInetAddress {
  uint16_t family;
  Be16 port;
  Ipv4Address address;
  uint8_t zero[8];
};
static_assert(sizeof(UserInetAddress) == 16);

struct UserInet6Address {
  uint16_t family;
  Be16 port;
  Be32 flow_info;
  Ipv6Address address;
  uint32_t scope_id;
};
static_assert(sizeof(UserInet6Address) == 28);
inline constexpr size_t kInet6AddressOldSize = 24;  // SIN6_LEN_RFC2133: without the scope id

// What an address means once its length allows to read it as IPv4 or IPv6. The caller has decided that it may.
Endpoint endpoint_from_inet(const SockAddr& address);
Endpoint endpoint_from_inet6(const SockAddr& address);

// sin6_flowinfo of an address that may be shorter or of another family, and of it the label.
uint32_t flow_info_of(const SockAddr& address);
inline int32_t flow_label_of(const SockAddr& address) { return static_cast<int32_t>(flow_info_of(address) & 0xf'ffff); }

// As a socket of this family shows an endpoint: AF_INET6 sockets see IPv4 peers v4-mapped.
void fill_sockaddr(SockAddr& address, const Endpoint& endpoint, IpFamily socket_family);
// The same where Linux fills in 0.0.0.0 or :: for a peer that is not there.
SockAddr sockaddr_unspecified(uint16_t family);

}  // namespace lxnet
