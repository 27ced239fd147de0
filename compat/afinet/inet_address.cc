// Internet socket addresses.
#include "compat/afinet/inet_address.hh"

namespace lxnet {

Endpoint endpoint_from_inet(const SockAddr& address) {
  const auto user = address.as<UserInetAddress>();
  return Endpoint{.address = IpAddress(user.address), .port = user.port.get(), .scope_id = 0};
}

Endpoint endpoint_from_inet6(const SockAddr& address) {
  // A scope id that is not there whole is none.
  const auto user = address.as<UserInet6Address>();
  const uint32_t scope_id = address.size() < sizeof(UserInet6Address) ? 0 : user.scope_id;
  return Endpoint{.address = IpAddress(user.address), .port = user.port.get(), .scope_id = scope_id};
}

uint32_t flow_info_of(const SockAddr& address) {
  if (address.family() != kFamilyInet6 || address.size() < kInet6AddressOldSize) return 0;
  return address.as<UserInet6Address>().flow_info.get();
}

void fill_sockaddr(SockAddr& address, const Endpoint& endpoint, IpFamily socket_family) {
  if (socket_family == IpFamily::V4) {
    UserInetAddress user{};
    user.family = kFamilyInet;
    user.port.set(endpoint.port);
    user.address = endpoint.address.is_v4() ? endpoint.address.v4() : Ipv4Address();
    return address.set(user);
  }
  UserInet6Address user{};
  user.family = kFamilyInet6;
  user.port.set(endpoint.port);
  user.address = endpoint.address.v6();
  user.scope_id = endpoint.scope_id;
  address.set(user);
}

SockAddr sockaddr_unspecified(uint16_t family) {
  SockAddr address;
  address.set(family);
  address.resize(sizeof(uint16_t) * 8);
  return address;
}

}  // namespace lxnet
