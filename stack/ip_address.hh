// IpAddress: an IPv4 or IPv6 address as the stack above the wire sees it, and Endpoint: an address with a port.
//
// Sixteen bytes; IPv4 is held v4-mapped (::ffff:a.b.c.d), which is how Linux's dual-stack sockets see it too, so that one table
// and one comparison serve both. 0.0.0.0 and :: are different addresses here, as they are to bind().
#pragma once

#include "stack/wire/addresses.hh"

namespace lxnet {

enum class IpFamily : uint8_t { V4 = 4, V6 = 6 };

class IpAddress {
 public:
  constexpr IpAddress() = default;  // ::
  constexpr IpAddress(Ipv4Address v4) : bytes_(Ipv6Address::v4_mapped(v4)) {}
  constexpr IpAddress(const Ipv6Address& v6) : bytes_(v6) {}
  static constexpr IpAddress any(IpFamily family) { return family == IpFamily::V4 ? IpAddress(Ipv4Address()) : IpAddress(); }

  constexpr bool is_v4() const { return bytes_.is_v4_mapped(); }
  constexpr IpFamily family() const { return is_v4() ? IpFamily::V4 : IpFamily::V6; }
  constexpr Ipv4Address v4() const { return bytes_.embedded_v4(); }  // of an is_v4() address
  constexpr const Ipv6Address& v6() const { return bytes_; }         // v4-mapped for IPv4: what getsockname() shows on AF_INET6

  // Of either family.
  constexpr bool is_unspecified() const {
    return bytes_.high() == 0 && (bytes_.low() == 0 || bytes_.low() == uint64_t{0xffff} << 32);
  }
  constexpr bool is_loopback() const { return is_v4() ? v4().is_loopback() : bytes_.is_loopback(); }
  constexpr bool is_multicast() const { return is_v4() ? v4().is_multicast() : bytes_.is_multicast(); }
  constexpr bool is_link_local() const { return is_v4() ? v4().is_link_local() : bytes_.is_link_local(); }

  constexpr bool operator==(const IpAddress&) const = default;

 private:
  Ipv6Address bytes_;
};

// scope_id is an interface index; it says something for link-local IPv6 addresses only and is 0 elsewhere.
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  uint32_t scope_id = 0;
  constexpr bool operator==(const Endpoint&) const = default;
};

}  // namespace lxnet
