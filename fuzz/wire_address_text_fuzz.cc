#include <arpa/inet.h>

#include <string>

#include "fuzz/support/wire.hh"
#include "stack/wire/address_text.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

// The C library is the oracle of what is an address.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const char> text(reinterpret_cast<const char*>(data), size);
  const std::string copy(text.begin(), text.end());
  const bool has_zero = copy.find('\0') != std::string::npos;
  auto v4 = parse_ipv4(text);
  auto v6 = parse_ipv6(text);
  auto mac = parse_mac(text);
  in_addr host4{};
  in6_addr host6{};
  check(v4.is_ok() == (!has_zero && inet_pton(AF_INET, copy.c_str(), &host4) == 1));
  check(v6.is_ok() == (!has_zero && inet_pton(AF_INET6, copy.c_str(), &host6) == 1));
  if (v4.is_ok()) {
    const Ipv4Address address = v4.take();
    check(address.value() == ntohl(host4.s_addr));
    check(parse_ipv4(format_ipv4(address).span()).take() == address);
  }
  if (v6.is_ok()) {
    const Ipv6Address address = v6.take();
    check(address == Ipv6Address::from_bytes(host6.s6_addr));
    check(parse_ipv6(format_ipv6(address).span()).take() == address);
  }
  if (mac.is_ok()) {
    const MacAddress address = mac.take();
    check(parse_mac(format_mac(address).span()).take() == address);
  }
  return 0;
}
