// Rules of ip_tables, written byte by byte as iptables writes them, and the calls that put them in place.
#pragma once

// The C library's come first: the kernel's own know of them.
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <array>
#include <vector>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {

constexpr int kDrop = -NF_DROP - 1, kAccept = -NF_ACCEPT - 1, kReturn = XT_RETURN;

// ---- who asks: a 64-bit program, or one of 32 bits, by `int $0x80`
enum class Abi { Wide, Narrow };
inline Abi& abi() {
  static Abi now = Abi::Wide;
  return now;
}
inline size_t alignment() { return abi() == Abi::Wide ? 8 : 4; }

// ---- pieces of an entry
inline std::string padded(std::string data) {
  data.resize((data.size() + alignment() - 1) / alignment() * alignment());
  return data;
}
// struct xt_entry_match and xt_entry_target are the same but for names.
inline std::string extension(const char* name, int revision, const std::string& data) {
  std::string head(32, '\0');
  const std::string body = padded(data);
  const auto size = static_cast<uint16_t>(head.size() + body.size());
  memcpy(head.data(), &size, sizeof size);
  memcpy(head.data() + 2, name, strlen(name));
  head[31] = static_cast<char>(revision);
  return head + body;
}
inline std::string verdict(int value) { return extension("", 0, bytes(value)); }
inline std::string error_target(const char* name = "ERROR") {
  std::string text(name);
  text.resize(30);
  return extension("ERROR", 0, text);
}
inline std::string reject(unsigned with) { return extension("REJECT", 0, bytes(with)); }
inline std::string set_mark(unsigned mark) { return extension("MARK", 2, bytes(std::array<unsigned, 2>{mark, ~0u})); }
inline std::string has_mark(unsigned mark) { return extension("mark", 1, bytes(std::array<unsigned, 3>{mark, ~0u, 0})); }
// A range of destination ports.
inline std::string to_udp_port(uint16_t low, uint16_t high) {
  const xt_udp settings{{0, 0xffff}, {low, high}, 0};
  return extension("udp", 0, bytes(settings));
}
inline std::string to_tcp_port(uint16_t port) {
  xt_tcp settings{};
  settings.spts[1] = 0xffff;
  settings.dpts[0] = settings.dpts[1] = port;
  return extension("tcp", 0, bytes(settings));
}

// ---- the two families
struct V4 {
  using Entry = ipt_entry;
  using Replace = ipt_replace;
  using Info = ipt_getinfo;
  using Entries = ipt_get_entries;
  static constexpr int kFamily = AF_INET, kLevel = SOL_IP, kRevisionMatch = IPT_SO_GET_REVISION_MATCH,
                       kRevisionTarget = IPT_SO_GET_REVISION_TARGET;
  static void set_protocol(Entry& entry, int protocol) { entry.ip.proto = static_cast<uint16_t>(protocol); }
  static void set_input(Entry& entry, const char* name) {
    strcpy(entry.ip.iniface, name);
    memset(entry.ip.iniface_mask, 0xff, strlen(name) + 1);
  }
  static void set_goto(Entry& entry) { entry.ip.flags |= IPT_F_GOTO; }
};
struct V6 {
  using Entry = ip6t_entry;
  using Replace = ip6t_replace;
  using Info = ip6t_getinfo;
  using Entries = ip6t_get_entries;
  static constexpr int kFamily = AF_INET6, kLevel = SOL_IPV6, kRevisionMatch = IP6T_SO_GET_REVISION_MATCH,
                       kRevisionTarget = IP6T_SO_GET_REVISION_TARGET;
  static void set_protocol(Entry& entry, int protocol) {
    entry.ipv6.proto = static_cast<uint16_t>(protocol);
    entry.ipv6.flags |= IP6T_F_PROTO;
  }
  static void set_input(Entry& entry, const char* name) {
    strcpy(entry.ipv6.iniface, name);
    memset(entry.ipv6.iniface_mask, 0xff, strlen(name) + 1);
  }
  static void set_goto(Entry& entry) { entry.ipv6.flags |= IP6T_F_GOTO; }
};

template <typename Family>
struct Rule {
  std::string matches;
  std::string target;

  Rule(std::string does) : target(std::move(does)) {}  // for every packet
  Rule(int protocol, std::string wants, std::string does) : matches(std::move(wants)), target(std::move(does)) {
    if (protocol != 0) Family::set_protocol(entry, protocol);
  }
  std::string text() const {
    typename Family::Entry head = entry;
    head.target_offset = static_cast<uint16_t>(head_size() + matches.size());
    head.next_offset = static_cast<uint16_t>(head.target_offset + target.size());
    std::string text = bytes(head);
    // A 32-bit program's counters follow without a gap.
    if (head_size() != sizeof head) text.erase(offsetof(typename Family::Entry, counters) - 4, 4);
    return text + matches + target;
  }

  static size_t head_size() {
    const bool is_shorter = abi() == Abi::Narrow && Family::kFamily == AF_INET6;
    return sizeof(typename Family::Entry) - (is_shorter ? 4 : 0);
  }

  typename Family::Entry entry{};  // the last, because its end is open
};

// A table as IPT_SO_SET_REPLACE takes it. Hooks are added in their order, each with its rules and a policy.
template <typename Family>
class Table {
 public:
  explicit Table(const char* name) { strcpy(head_.name, name); }

  Table& hook(int hook, const std::vector<Rule<Family>>& rules = {}, int policy = kAccept) {
    head_.valid_hooks |= 1u << hook;
    head_.hook_entry[hook] = at();
    for (const Rule<Family>& rule : rules) add(rule);
    head_.underflow[hook] = at();
    return add(Rule<Family>(verdict(policy)));
  }
  // A user's chain begins with its name and ends with a return. Where it begins is what jumps lead to.
  unsigned chain(const char* name, const std::vector<Rule<Family>>& rules) {
    add(Rule<Family>(error_target(name)));
    const unsigned begin = at();
    for (const Rule<Family>& rule : rules) add(rule);
    add(Rule<Family>(verdict(kReturn)));
    return begin;
  }
  Table& add(const Rule<Family>& rule) {
    entries_ += rule.text();
    ++head_.num_entries;
    return *this;
  }
  unsigned at() const { return static_cast<unsigned>(entries_.size()); }
  typename Family::Replace& head() { return head_; }
  std::string& entries() { return entries_; }

  // In place of what is there; 0 or the negative errno. `counters` are the replaced rules'.
  long replace(int fd, std::vector<xt_counters>* counters = nullptr) {
    if (!is_ended_) add(Rule<Family>(error_target()));
    is_ended_ = true;
    typename Family::Info info = this->info(fd);
    std::vector<xt_counters> old(info.num_entries + 1);
    head_.size = at();
    head_.num_counters = info.num_entries;
    head_.counters = old.data();
    const std::string text = bytes(head_) + entries_;
    const long answered =
        answer(::setsockopt(fd, Family::kLevel, IPT_SO_SET_REPLACE, text.data(), static_cast<socklen_t>(text.size())));
    old.resize(info.num_entries);
    if (counters != nullptr) *counters = old;
    return answered;
  }
  typename Family::Info info(int fd) const { return info_of(fd, head_.name); }
  static typename Family::Info info_of(int fd, const char* name) {
    typename Family::Info info{};
    strcpy(info.name, name);
    socklen_t length = sizeof info;
    ::getsockopt(fd, Family::kLevel, IPT_SO_GET_INFO, &info, &length);
    return info;
  }
  // The rules as they are read back; "" when they cannot be.
  static std::string read(int fd, const char* name) {
    const unsigned size = info_of(fd, name).size;
    std::string room(sizeof(typename Family::Entries) + size, '\0');
    auto& head = *reinterpret_cast<typename Family::Entries*>(room.data());
    strcpy(head.name, name);
    head.size = size;
    socklen_t length = static_cast<socklen_t>(room.size());
    if (::getsockopt(fd, Family::kLevel, IPT_SO_GET_ENTRIES, room.data(), &length) != 0) return "";
    return room.substr(sizeof head);
  }
  // Packets and bytes of each rule, in order.
  static std::vector<std::pair<uint64_t, uint64_t>> counters(int fd, const char* name) {
    std::vector<std::pair<uint64_t, uint64_t>> all;
    const std::string text = read(fd, name);
    for (size_t at = 0; at + sizeof(typename Family::Entry) <= text.size();) {
      typename Family::Entry entry;
      memcpy(&entry, text.data() + at, sizeof entry);
      all.emplace_back(entry.counters.pcnt, entry.counters.bcnt);
      at += entry.next_offset;
    }
    return all;
  }

 private:
  std::string entries_;
  bool is_ended_ = false;
  typename Family::Replace head_{};
};

using Table4 = Table<V4>;
using Table6 = Table<V6>;
using Rule4 = Rule<V4>;
using Rule6 = Rule<V6>;
using Counts = std::vector<std::pair<uint64_t, uint64_t>>;

// In a network of the test's own whose lo is up, where the kernel has ip_tables.
inline void with_filter(const std::function<void(int fd)>& body) {
  const Fd probe(::socket(AF_INET, SOCK_DGRAM, 0));
  xt_get_revision nothing{};
  socklen_t length = sizeof nothing;
  if (answer(::getsockopt(probe, SOL_IP, IPT_SO_GET_REVISION_MATCH, &nothing, &length)) == -ENOPROTOOPT)
    GTEST_SKIP() << "the kernel has no ip_tables";
  in_new_network([&] {
    Route netlink;
    bring_up(netlink);
    const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    body(fd);
  });
}

}  // namespace conformance
