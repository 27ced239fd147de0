// Addresses and control messages, right and wrong ones.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

template <typename T>
Bytes bytes_of(const T& value) {
  const auto* data = reinterpret_cast<const uint8_t*>(&value);
  return Bytes(data, data + sizeof value);
}

constexpr const char* kHosts4[] = {"127.0.0.1", "127.0.0.1",   "127.0.0.1",       "0.0.0.0",         "127.0.0.2",
                                   "10.9.8.7",  "224.0.0.251", "255.255.255.255", "127.255.255.255", "240.0.0.1"};
constexpr const char* kHosts6[] = {
    "::1",     "::1",      "::1",         "::",         "::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:0.0.0.0",
    "fe80::1", "ff02::fb", "2001:db8::1", "::127.0.0.1"};
// Below the ports that a kernel chooses.
constexpr uint16_t kPorts[] = {0, 0, 4000, 4001, 4002, 4003, 80};

Bytes address4(Choice& choose) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(choose.of(kPorts));
  inet_pton(AF_INET, choose.of(kHosts4), &address.sin_addr);
  return bytes_of(address);
}

Bytes address6(Choice& choose) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(choose.of(kPorts));
  inet_pton(AF_INET6, choose.of(kHosts6), &address.sin6_addr);
  if (choose.one_in(6)) address.sin6_scope_id = static_cast<uint32_t>(choose.of({0, 1, 7}));
  if (choose.one_in(20)) address.sin6_flowinfo = htonl(0x12345);
  return bytes_of(address);
}

// Abstract names, and short ones that mean "choose".
Bytes address_unix(Choice& choose) {
  Bytes bytes{AF_UNIX, 0, 0, 'w', static_cast<uint8_t>('0' + choose.below(4))};
  return bytes;
}

template <typename T>
Control control_of(int level, int type, const T& value) {
  return {level, type, 16 + sizeof value, bytes_of(value)};
}

}  // namespace

Argument Generator::address_for(Kind kind) {
  if (plan_.is_unix_alone) return unix_address();
  if (is_packet(kind)) return link_address();
  Bytes bytes;
  const int dice = choose_.below(20);
  if (is_unix(kind)) {
    bytes = address_unix(choose_);
  } else if (is_v6(kind) ? dice < 15 : dice >= 18) {
    bytes = address6(choose_);
  } else {
    bytes = address4(choose_);
  }
  if (choose_.one_in(15)) {
    const auto family = static_cast<uint16_t>(choose_.of<int>({AF_UNSPEC, AF_UNSPEC, AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 99}));
    memcpy(bytes.data(), &family, sizeof family);
    if (choose_.one_in(2)) memset(bytes.data() + 2, 0, bytes.size() - 2);
  }
  return {ArgumentKind::In, 0, bytes};
}

int64_t Generator::length_of(const Argument& address) {
  if (choose_.one_in(20)) return choose_.of({0, 1, 2, 3, 7, 8, 15, 17, 23, 24, 27, 29, 110, 111, 128, 129, 1000, -1, INT32_MIN});
  if (address.kind == ArgumentKind::In) return static_cast<int64_t>(address.bytes.size());
  if (plan_.is_unix_alone && address.kind == ArgumentKind::NameOf) return kNameLength;
  return choose_.one_in(2) ? 28 : 16;
}

std::vector<Control> Generator::controls_for(int slot) {
  if (plan_.is_unix_alone) return unix_controls();
  const bool six = is_v6(slots_[slot].kind);
  std::vector<Control> list;
  const int count = choose_.one_in(5) ? 2 : 1;
  for (int i = 0; i < count; ++i) {
    const int value = choose_.of({0, 1, 2, 64, 255, 256, -1});
    in_pktinfo info4{};
    info4.ipi_ifindex = choose_.of({0, 1, 1, 9});
    inet_pton(AF_INET, choose_.of({"0.0.0.0", "127.0.0.1", "127.0.0.3", "10.9.8.7"}), &info4.ipi_spec_dst);
    in6_pktinfo info6{};
    info6.ipi6_ifindex = static_cast<unsigned>(choose_.of({0, 1, 1, 9}));
    inet_pton(AF_INET6, choose_.of({"::", "::1", "2001:db8::2", "fe80::2"}), &info6.ipi6_addr);
    const Control all[] = {
        control_of(IPPROTO_IP, IP_PKTINFO, info4),
        control_of(IPPROTO_IP, IP_TTL, value),
        control_of(IPPROTO_IP, IP_TOS, value),
        control_of(IPPROTO_IP, IP_TOS, static_cast<uint8_t>(value)),
        control_of(IPPROTO_IPV6, IPV6_PKTINFO, info6),
        control_of(IPPROTO_IPV6, IPV6_HOPLIMIT, value),
        control_of(IPPROTO_IPV6, IPV6_TCLASS, value),
        control_of(IPPROTO_IPV6, IPV6_DONTFRAG, value),
        control_of(IPPROTO_UDP, 103 /* UDP_SEGMENT */, static_cast<uint16_t>(choose_.of({0, 1, 10, 100, 2000}))),
        control_of(SOL_SOCKET, SO_MARK, value),
        control_of(SOL_SOCKET, 41, value),
        control_of(77, 1, value),
    };
    Control control = all[choose_.one_in(3) ? choose_.below(12) : six ? 4 + choose_.below(6) : choose_.below(4)];
    if (choose_.one_in(10)) control.length = static_cast<uint64_t>(choose_.of({0, 1, 15, 16, 17, 19, 21, 4096, -1}));
    list.push_back(control);
  }
  return list;
}

}  // namespace walk
