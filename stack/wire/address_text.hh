// Addresses as text, for a core that has no libc.
//
// Rules kept: what parse_* accepts is what inet_pton(3) accepts (four decimal octets without leading zeros; hexadecimal groups of
// one to four digits, one "::" at most, the last two groups as dotted IPv4), nothing before or after it. What format_* prints is
// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::", the first of equals, and
// "::ffff:1.2.3.4" for IPv4-mapped addresses. No scope id: a zone belongs to a socket address, not to an address.
#pragma once

#include "base/result.hh"
#include "stack/wire/addresses.hh"

namespace lxnet {

// Holds the longest text of any address, with its terminating zero.
struct AddressText {
  char text[46] = {};
  uint8_t size = 0;

  const char* c_str() const { return text; }
  std::span<const char> span() const { return {text, size}; }
};

// EINVAL: not the text of an address.
Result<Ipv4Address> parse_ipv4(std::span<const char> text);
Result<Ipv6Address> parse_ipv6(std::span<const char> text);
Result<MacAddress> parse_mac(std::span<const char> text);  // "02:00:5e:10:00:01"

// The same for a string that ends in a zero: a literal is one of these, never a span with its zero counted.
Result<Ipv4Address> parse_ipv4(const char* text);
Result<Ipv6Address> parse_ipv6(const char* text);
Result<MacAddress> parse_mac(const char* text);

AddressText format_ipv4(Ipv4Address address);
AddressText format_ipv6(const Ipv6Address& address);
AddressText format_mac(MacAddress address);

}  // namespace lxnet
