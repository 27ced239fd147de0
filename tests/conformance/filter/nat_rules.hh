// What rules say of connections and addresses, written as iptables writes it.
#pragma once

// The C library's come first: the kernel's own know of them.
#include <net/if.h>
#include <netinet/in.h>

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter_ipv4.h>

#include "tests/conformance/filter/router.hh"

namespace conformance {

constexpr int kPre = NF_INET_PRE_ROUTING, kIn = NF_INET_LOCAL_IN, kForward = NF_INET_FORWARD, kOut = NF_INET_LOCAL_OUT,
              kPost = NF_INET_POST_ROUTING;

// A range of IPv4 addresses and ports; null: no address.
inline nf_nat_range2 nat_range(const char* first, const char* last, uint16_t first_port = 0, uint16_t last_port = 0,
                               unsigned flags = 0) {
  nf_nat_range2 range{};
  range.flags = flags;
  const int family = first != nullptr && strchr(first, ':') != nullptr ? AF_INET6 : AF_INET;
  if (first != nullptr) {
    range.flags |= NF_NAT_RANGE_MAP_IPS;
    inet_pton(family, first, &range.min_addr);
    inet_pton(family, last, &range.max_addr);
  }
  if (first_port != 0) {
    range.flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
    range.min_proto.all = htons(first_port);
    range.max_proto.all = htons(last_port);
  }
  return range;
}
inline nf_nat_ipv4_multi_range_compat nat_range4(const nf_nat_range2& range) {
  nf_nat_ipv4_multi_range_compat old{};
  old.rangesize = 1;
  old.range[0] = {range.flags, range.min_addr.ip, range.max_addr.ip, range.min_proto, range.max_proto};
  return old;
}
inline std::string snat(const nf_nat_range2& range) { return extension("SNAT", 2, bytes(range)); }
inline std::string dnat(const nf_nat_range2& range) { return extension("DNAT", 2, bytes(range)); }
inline std::string to_address(const char* address, uint16_t port = 0) { return dnat(nat_range(address, address, port, port)); }
// MASQUERADE, REDIRECT and NETMAP of IPv4 and of IPv6.
inline std::string old_target(const char* name, const nf_nat_range2& range) {
  return extension(name, 0, bytes(nat_range4(range)));
}
inline std::string old_target6(const char* name, const nf_nat_range2& range) {
  return extension(name, 0, bytes(range).substr(0, 40));
}

inline std::string in_state(unsigned states) { return extension("state", 0, bytes(xt_state_info{states})); }
constexpr unsigned kNew4 = 1 << 3, kEstablished = 1 << 1, kRelated = 1 << 2, kInvalid = 1 << 0, kUntracked = 1 << 6;

// The table nat, each hook with its rules.
template <typename Family>
long put_nat(int fd, const std::vector<Rule<Family>>& pre, const std::vector<Rule<Family>>& in,
             const std::vector<Rule<Family>>& out, const std::vector<Rule<Family>>& post) {
  return Table<Family>("nat").hook(kPre, pre).hook(kIn, in).hook(kOut, out).hook(kPost, post).replace(fd);
}

// ---- traffic of IPv4
inline std::string text_of(const sockaddr_in& name) {
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &name.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(name.sin_port));
}
inline Fd bound(int fd, const char* address, uint16_t port) {
  Fd owned(fd);
  EXPECT_EQ(bind_to(owned, at(address, port)), 0) << address << ":" << port;
  return owned;
}
inline long send_to(int fd, const sockaddr_in& to, size_t size = 1) {
  const std::string data(size, 'x');
  return answer(::sendto(fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}
// Who sent what comes next; "" when nothing does.
inline std::string next_sender(int fd, int timeout = 2000) {
  if (poll_now(fd, POLLIN, timeout) != POLLIN) return "";
  char data[4096];
  sockaddr_in from{};
  socklen_t length = sizeof from;
  if (::recvfrom(fd, data, sizeof data, 0, reinterpret_cast<sockaddr*>(&from), &length) < 0) return "error";
  return text_of(from);
}
inline std::string original_destination(int fd) {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  const long answered = answer(::getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &name, &length));
  return answered == 0 ? text_of(name) : std::to_string(answered);
}
inline std::string peer_of(int fd) {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0 ? text_of(name) : "";
}
// What /proc shows of a file, "" when it cannot be read.
inline std::string text_at(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  for (ssize_t got; (got = ::read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<size_t>(got));
  return text;
}

}  // namespace conformance
