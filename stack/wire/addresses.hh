// MacAddress, Ipv4Address, Ipv6Address: addresses as they stand on the wire.
//
// Each is its bytes in wire order with alignment 1, so a header struct can hold one, and each is a value: copied, compared,
// hashed by its bytes. Which ranges mean what follows the IANA registries as Linux reads them (include/linux/in.h,
// net/ipv6/addrconf_core.c); where the RFC's word and Linux's differ, the comment says so.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hh"
#include "base/endian.hh"

namespace lxnet {

class MacAddress {
 public:
  static constexpr size_t kSize = 6;

  constexpr MacAddress() = default;
  constexpr MacAddress(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t e, uint8_t f) : bytes_{a, b, c, d, e, f} {}
  static constexpr MacAddress broadcast() { return MacAddress(0xff, 0xff, 0xff, 0xff, 0xff, 0xff); }
  static constexpr MacAddress from_bytes(std::span<const uint8_t, kSize> bytes) {
    return MacAddress(bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
  }

  constexpr bool is_zero() const { return *this == MacAddress(); }
  constexpr bool is_broadcast() const { return *this == broadcast(); }
  constexpr bool is_multicast() const { return (bytes_[0] & 1) != 0; }  // broadcast included
  constexpr bool is_locally_administered() const { return (bytes_[0] & 2) != 0; }
  // What a device may be given as its own.
  constexpr bool is_valid_unicast() const { return !is_multicast() && !is_zero(); }

  constexpr std::span<const uint8_t, kSize> bytes() const { return bytes_; }
  constexpr bool operator==(const MacAddress&) const = default;

 private:
  uint8_t bytes_[kSize] = {};
};

class Ipv4Address {
 public:
  static constexpr size_t kSize = 4;

  constexpr Ipv4Address() = default;
  constexpr explicit Ipv4Address(uint32_t host_value) : value_(host_value) {}
  constexpr explicit Ipv4Address(Be32 wire_value) : value_(wire_value) {}
  constexpr Ipv4Address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
      : value_(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | uint32_t{d}) {}

  static constexpr Ipv4Address any() { return Ipv4Address(); }
  static constexpr Ipv4Address loopback() { return Ipv4Address(127, 0, 0, 1); }
  static constexpr Ipv4Address broadcast() { return Ipv4Address(255, 255, 255, 255); }
  static constexpr Ipv4Address all_hosts() { return Ipv4Address(224, 0, 0, 1); }
  static constexpr Ipv4Address all_routers() { return Ipv4Address(224, 0, 0, 2); }
  static constexpr Ipv4Address all_igmpv3_routers() { return Ipv4Address(224, 0, 0, 22); }
  static constexpr Ipv4Address netmask(uint8_t prefix_length) {
    return Ipv4Address(prefix_length == 0 ? 0 : prefix_length >= 32 ? ~0u : ~0u << (32 - prefix_length));
  }

  constexpr uint32_t value() const { return value_.get(); }
  constexpr Be32 wire() const { return value_; }

  constexpr bool is_unspecified() const { return value() == 0; }
  constexpr bool is_zero_network() const { return is_in(Ipv4Address(), 8); }
  constexpr bool is_loopback() const { return is_in(Ipv4Address(127, 0, 0, 0), 8); }
  constexpr bool is_link_local() const { return is_in(Ipv4Address(169, 254, 0, 0), 16); }
  constexpr bool is_private() const {
    return is_in(Ipv4Address(10, 0, 0, 0), 8) || is_in(Ipv4Address(172, 16, 0, 0), 12) || is_in(Ipv4Address(192, 168, 0, 0), 16);
  }
  constexpr bool is_multicast() const { return is_in(Ipv4Address(224, 0, 0, 0), 4); }
  constexpr bool is_local_multicast() const { return is_in(Ipv4Address(224, 0, 0, 0), 24); }  // never forwarded
  constexpr bool is_broadcast() const { return value() == ~0u; }
  constexpr bool is_reserved() const { return is_in(Ipv4Address(240, 0, 0, 0), 4); }  // class E, broadcast included

  constexpr bool is_in(Ipv4Address network, uint8_t prefix_length) const {
    return ((value() ^ network.value()) & netmask(prefix_length).value()) == 0;
  }
  constexpr Ipv4Address network(uint8_t prefix_length) const { return Ipv4Address(value() & netmask(prefix_length).value()); }
  // The last address of the network: its directed broadcast when the prefix is 30 bits or shorter.
  constexpr Ipv4Address network_broadcast(uint8_t prefix_length) const {
    return Ipv4Address(value() | ~netmask(prefix_length).value());
  }
  constexpr uint8_t common_prefix_length(Ipv4Address other) const {
    return static_cast<uint8_t>(std::countl_zero(value() ^ other.value()));
  }
  // RFC 1112, 6.4: the low 23 bits under 01:00:5e.
  constexpr MacAddress multicast_mac() const {
    const uint32_t v = value();
    return MacAddress(0x01, 0x00, 0x5e, static_cast<uint8_t>(v >> 16 & 0x7f), static_cast<uint8_t>(v >> 8),
                      static_cast<uint8_t>(v));
  }

  constexpr bool operator==(const Ipv4Address&) const = default;

 private:
  Be32 value_;
};

// Ordered by size, so that scopes compare (RFC 4007, RFC 6724 section 3.1). Values are those of a multicast address's scope
// field.
enum class Ipv6Scope : uint8_t {
  Reserved = 0,
  InterfaceLocal = 1,
  LinkLocal = 2,
  SiteLocal = 5,
  OrganizationLocal = 8,
  Global = 14,
};

class Ipv6Address {
 public:
  static constexpr size_t kSize = 16;

  constexpr Ipv6Address() = default;
  constexpr Ipv6Address(uint16_t a, uint16_t b, uint16_t c, uint16_t d, uint16_t e, uint16_t f, uint16_t g, uint16_t h) {
    const uint16_t groups[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; ++i) {
      raw_.bytes[2 * i] = static_cast<uint8_t>(groups[i] >> 8);
      raw_.bytes[2 * i + 1] = static_cast<uint8_t>(groups[i]);
    }
  }
  static constexpr Ipv6Address from_bytes(std::span<const uint8_t, kSize> bytes) {
    Ipv6Address address;
    for (size_t i = 0; i < kSize; ++i) address.raw_.bytes[i] = bytes[i];
    return address;
  }

  static constexpr Ipv6Address any() { return Ipv6Address(); }
  static constexpr Ipv6Address loopback() { return Ipv6Address(0, 0, 0, 0, 0, 0, 0, 1); }
  static constexpr Ipv6Address interface_local_all_nodes() { return Ipv6Address(0xff01, 0, 0, 0, 0, 0, 0, 1); }
  static constexpr Ipv6Address all_nodes() { return Ipv6Address(0xff02, 0, 0, 0, 0, 0, 0, 1); }
  static constexpr Ipv6Address all_routers() { return Ipv6Address(0xff02, 0, 0, 0, 0, 0, 0, 2); }
  static constexpr Ipv6Address all_mldv2_routers() { return Ipv6Address(0xff02, 0, 0, 0, 0, 0, 0, 0x16); }
  // ::ffff:a.b.c.d, how an AF_INET6 socket sees an IPv4 peer.
  static constexpr Ipv6Address v4_mapped(Ipv4Address v4) {
    Ipv6Address address;
    address.raw_ = std::bit_cast<Raw>(Halves{Be64(0), Be64(uint64_t{0xffff} << 32 | v4.value())});
    return address;
  }
  // fe80::/64 with the modified EUI-64 identifier of RFC 4291, appendix A.
  static constexpr Ipv6Address link_local(MacAddress mac) { return Ipv6Address(0xfe80, 0, 0, 0, 0, 0, 0, 0).with_eui64(mac); }

  constexpr uint16_t group(size_t index) const {
    return static_cast<uint16_t>(raw_.bytes[2 * index] << 8 | raw_.bytes[2 * index + 1]);
  }
  constexpr std::span<const uint8_t, kSize> bytes() const { return raw_.bytes; }
  // The two halves in wire order, for hashing and for comparing quickly.
  constexpr uint64_t high() const { return halves().high.get(); }
  constexpr uint64_t low() const { return halves().low.get(); }

  constexpr bool is_unspecified() const { return high() == 0 && low() == 0; }
  constexpr bool is_loopback() const { return high() == 0 && low() == 1; }
  constexpr bool is_multicast() const { return raw_.bytes[0] == 0xff; }
  constexpr bool is_link_local() const { return raw_.bytes[0] == 0xfe && (raw_.bytes[1] & 0xc0) == 0x80; }  // fe80::/10
  constexpr bool is_site_local() const {
    return raw_.bytes[0] == 0xfe && (raw_.bytes[1] & 0xc0) == 0xc0;
  }                                                                                  // fec0::/10, deprecated
  constexpr bool is_unique_local() const { return (raw_.bytes[0] & 0xfe) == 0xfc; }  // fc00::/7
  constexpr bool is_v4_mapped() const { return high() == 0 && low() >> 32 == 0xffff; }
  // ::a.b.c.d (deprecated): the first 96 bits zero, neither :: nor ::1.
  constexpr bool is_v4_compatible() const { return high() == 0 && low() >> 32 == 0 && low() > 1; }
  constexpr bool is_documentation() const { return group(0) == 0x2001 && group(1) == 0xdb8; }
  constexpr bool is_link_local_multicast() const { return is_multicast() && (raw_.bytes[1] & 0xf) == 2; }
  constexpr bool is_interface_local_multicast() const { return is_multicast() && (raw_.bytes[1] & 0xf) == 1; }
  constexpr bool is_solicited_node() const { return high() == 0xff02'0000'0000'0000 && low() >> 24 == 0x1'ff; }
  // An address that means something only together with a link: sockaddr_in6 wants its sin6_scope_id.
  constexpr bool needs_scope_id() const { return is_link_local() || is_link_local_multicast() || is_interface_local_multicast(); }

  // The loopback address has interface-local scope as in Linux, where RFC 6724 says link-local.
  constexpr Ipv6Scope scope() const {
    if (is_multicast()) return Ipv6Scope{static_cast<uint8_t>(raw_.bytes[1] & 0xf)};
    if (is_unspecified()) return Ipv6Scope::Reserved;
    if (is_loopback()) return Ipv6Scope::InterfaceLocal;
    if (is_link_local()) return Ipv6Scope::LinkLocal;
    if (is_site_local()) return Ipv6Scope::SiteLocal;
    return Ipv6Scope::Global;
  }

  constexpr Ipv4Address embedded_v4() const { return Ipv4Address(static_cast<uint32_t>(low())); }  // the last four bytes
  // RFC 4291, 2.7.1: ff02::1:ff00:0/104 and the low 24 bits.
  constexpr Ipv6Address solicited_node() const {
    return Ipv6Address(0xff02, 0, 0, 0, 0, 1, static_cast<uint16_t>(0xff00 | raw_.bytes[13]), group(7));
  }
  // RFC 2464, section 7: 33:33 and the last four bytes.
  constexpr MacAddress multicast_mac() const {
    return MacAddress(0x33, 0x33, raw_.bytes[12], raw_.bytes[13], raw_.bytes[14], raw_.bytes[15]);
  }

  constexpr bool is_in(const Ipv6Address& network, uint8_t prefix_length) const {
    return common_prefix_length(network) >= prefix_length;
  }
  constexpr Ipv6Address network(uint8_t prefix_length) const {
    Ipv6Address address = *this;
    for (size_t i = 0; i < kSize; ++i) {
      const size_t bits = prefix_length > 8 * i ? prefix_length - 8 * i : 0;  // of the prefix, in this byte and after
      if (bits < 8) address.raw_.bytes[i] &= static_cast<uint8_t>(0xff00 >> bits);
    }
    return address;
  }
  // 0 to 128. Source selection (RFC 6724 rule 8) and prefix matching both ask this.
  constexpr uint8_t common_prefix_length(const Ipv6Address& other) const {
    const uint64_t difference = high() ^ other.high();
    if (difference != 0) return static_cast<uint8_t>(std::countl_zero(difference));
    return static_cast<uint8_t>(64 + std::countl_zero(low() ^ other.low()));
  }
  // The same 64-bit prefix with this identifier, made from a MAC address or given (RFC 4862, 5.5.3 d).
  constexpr Ipv6Address with_eui64(MacAddress mac) const {
    const auto m = mac.bytes();
    Ipv6Address address = *this;
    const uint8_t identifier[8] = {static_cast<uint8_t>(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
    for (size_t i = 0; i < 8; ++i) address.raw_.bytes[8 + i] = identifier[i];
    return address;
  }

  constexpr bool operator==(const Ipv6Address& other) const { return high() == other.high() && low() == other.low(); }

 private:
  struct Halves {
    Be64 high, low;
  };
  struct Raw {
    uint8_t bytes[kSize] = {};
  };
  constexpr Halves halves() const { return std::bit_cast<Halves>(raw_); }

  Raw raw_;
};

static_assert(sizeof(MacAddress) == 6 && alignof(MacAddress) == 1);
static_assert(sizeof(Ipv4Address) == 4 && alignof(Ipv4Address) == 1);
static_assert(sizeof(Ipv6Address) == 16 && alignof(Ipv6Address) == 1);
static_assert(Ipv4Address(10, 1, 2, 3).is_in(Ipv4Address(10, 0, 0, 0), 8));
static_assert(Ipv6Address::v4_mapped(Ipv4Address(1, 2, 3, 4)).embedded_v4() == Ipv4Address(1, 2, 3, 4));

}  // namespace lxnet
