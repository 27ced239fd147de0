// What an address means to bind, connect and sendmsg of each kind of Internet socket: the checks differ, and so do their errnos.
#include "compat/afinet/inet_socket.hh"

namespace lxnet {
namespace {

bool is_raw(const Socket& socket) { return socket.type() == SocketType::Raw; }

Result<Endpoint> decode_inet6(const SockAddr& address) {
  if (address.size() < kInet6AddressOldSize) return Errno::EINVAL;
  if (address.family() != kFamilyInet6) return Errno::EAFNOSUPPORT;
  return endpoint_from_inet6(address);
}

// udp_sendmsg() and raw_sendmsg(): AF_UNSPEC passes for AF_INET.
Result<Destination> decode_inet_destination(const SockAddr& address) {
  if (address.size() < sizeof(UserInetAddress)) return Errno::EINVAL;
  if (address.family() != kFamilyInet && address.family() != kFamilyUnspecified) return Errno::EAFNOSUPPORT;
  return Destination{true, endpoint_from_inet(address)};
}

// udpv6_sendmsg(): IPv4 addresses are taken as they are, AF_UNSPEC means the peer.
Result<Destination> decode_udp6_destination(const Socket& socket, const SockAddr& address) {
  if (address.size() < sizeof(uint16_t)) return Errno::EINVAL;
  switch (address.family()) {
    case kFamilyInet6:
      if (address.size() < kInet6AddressOldSize) return Errno::EINVAL;
      return Destination{true, endpoint_from_inet6(address)};
    case kFamilyInet:
      if (socket.ip_options->v6_only) return Errno::ENETUNREACH;
      return decode_inet_destination(address);
    case kFamilyUnspecified:
      return Destination{};
    default:
      return Errno::EINVAL;
  }
}

Result<Destination> decode_raw6_destination(const SockAddr& address) {
  if (address.size() < kInet6AddressOldSize) return Errno::EINVAL;
  if (address.family() != kFamilyInet6 && address.family() != kFamilyUnspecified) return Errno::EAFNOSUPPORT;
  return Destination{true, endpoint_from_inet6(address)};
}

// ping_v4_sendmsg() and ping_v6_sendmsg(): no short address and no AF_UNSPEC.
Result<Destination> decode_ping_destination(const Socket& socket, const SockAddr& address) {
  const bool is_v4 = socket.family() == IpFamily::V4;
  if (address.size() < (is_v4 ? sizeof(UserInetAddress) : sizeof(UserInet6Address))) return Errno::EINVAL;
  if (address.family() != (is_v4 ? kFamilyInet : kFamilyInet6)) return Errno::EAFNOSUPPORT;
  return Destination{true, is_v4 ? endpoint_from_inet(address) : endpoint_from_inet6(address)};
}

}  // namespace

Result<Endpoint> decode_bind_address(const Socket& socket, const SockAddr& address) {
  if (socket.family() == IpFamily::V6) {
    if (is_echo_socket(socket) && address.size() < sizeof(UserInet6Address)) return Errno::EINVAL;
    auto endpoint = decode_inet6(address);
    // rawv6_bind() knows only one errno.
    if (endpoint.is_error(Errno::EAFNOSUPPORT) && is_raw(socket)) return Errno::EINVAL;
    return endpoint;
  }
  if (address.size() < sizeof(UserInetAddress)) return Errno::EINVAL;
  const Endpoint endpoint = endpoint_from_inet(address);
  if (is_raw(socket) || address.family() == kFamilyInet) return endpoint;
  // Old programs bind AF_UNSPEC with INADDR_ANY.
  if (address.family() == kFamilyUnspecified && endpoint.address.is_unspecified()) return endpoint;
  return Errno::EAFNOSUPPORT;
}

Result<Endpoint> decode_connect_address(const Socket& socket, const SockAddr& address) {
  if (socket.family() == IpFamily::V4) {
    if (address.size() < sizeof(UserInetAddress)) return Errno::EINVAL;
    if (address.family() != kFamilyInet) return Errno::EAFNOSUPPORT;
    return endpoint_from_inet(address);
  }
  // ip6_datagram_connect_v6_only() asks for the family before it asks for the length.
  if ((is_raw(socket) || is_echo_socket(socket)) && address.family() != kFamilyInet6) return Errno::EAFNOSUPPORT;
  // ip6_datagram_connect() takes an IPv4 address; tcp_v6_connect() does not.
  if (address.family() == kFamilyInet && socket.type() != SocketType::Stream) {
    if (socket.ip_options->v6_only) return Errno::EAFNOSUPPORT;
    if (address.size() < sizeof(UserInetAddress)) return Errno::EINVAL;
    return endpoint_from_inet(address);
  }
  return decode_inet6(address);
}

Result<Destination> decode_destination(const Socket& socket, const SockAddr& address) {
  // raw_sendmsg() alone asks for the length instead of the pointer.
  if (address.size() == 0 && is_raw(socket) && socket.family() == IpFamily::V4) return Destination{};
  if (is_echo_socket(socket)) return decode_ping_destination(socket, address);
  if (socket.family() == IpFamily::V4) return decode_inet_destination(address);
  return is_raw(socket) ? decode_raw6_destination(address) : decode_udp6_destination(socket, address);
}

}  // namespace lxnet
