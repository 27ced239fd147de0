// Links made by netlink, and a second network namespace beside the test's.
#pragma once

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {

inline std::string text_attribute(unsigned short type, const char* text) { return attribute(type, std::string(text) + '\0'); }
inline std::string named(const char* name) { return text_attribute(IFLA_IFNAME, name); }
inline std::string kind(const char* name, const std::string& data = "") {
  return attribute(IFLA_LINKINFO, text_attribute(IFLA_INFO_KIND, name) + (data.empty() ? "" : attribute(IFLA_INFO_DATA, data)));
}
// A pair; `peer` is what stands behind the peer's ifinfomsg.
inline std::string veth(const char* name, const std::string& peer, unsigned peer_flags = 0) {
  return link(0) + named(name) + kind("veth", attribute(VETH_INFO_PEER, link(0, peer_flags, peer_flags) + peer));
}

class Namespaces {
 public:
  Namespaces() : first_(open_own()) {
    unshare(CLONE_NEWNET);
    second_ = open_own();
    enter_first();
  }
  void enter_first() { EXPECT_EQ(setns(first_, CLONE_NEWNET), 0); }
  void enter_second() { EXPECT_EQ(setns(second_, CLONE_NEWNET), 0); }
  int first() const { return first_; }
  int second() const { return second_; }
  std::string in_second() const { return attribute(IFLA_NET_NS_FD, bytes(second_.get())); }

 private:
  static Fd open_own() { return Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); }
  Fd first_, second_;
};

// A child that sends `size` bytes and ends with 0, or with 1 when it cannot.
inline pid_t send_from_child(int fd, size_t size) {
  const pid_t child = fork();
  if (child != 0) return child;
  const std::string data(size, 't');
  size_t done = 0;
  while (done < size) {
    const ssize_t sent = ::send(fd, data.data() + done, size - done, 0);
    if (sent <= 0) _exit(1);
    done += static_cast<size_t>(sent);
  }
  _exit(0);
}

inline unsigned index_of(const char* name) { return if_nametoindex(name); }
inline Message show(Route& netlink, const char* name) {
  EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(0) + named(name)), 0) << name;
  return netlink.last();
}
inline std::string of(const Message& message, int type) { return message.find(sizeof(ifinfomsg), type); }
inline unsigned flags_of(const Message& message) { return message.as<ifinfomsg>().ifi_flags; }
inline long set_up(Route& netlink, const char* name, unsigned flags = IFF_UP) {
  return netlink.request(RTM_NEWLINK, 0, link(static_cast<int>(index_of(name)), flags, IFF_UP));
}
inline long give_address(Route& netlink, const char* name, const char* text, unsigned char prefix) {
  return netlink.request(RTM_NEWADDR, kNew, address(text, prefix, static_cast<int>(index_of(name))));
}
// What comes of a carrier comes soon, on Linux not at once.
inline bool soon(const std::function<bool()>& is_so) {
  for (int tries = 0; tries < 200; ++tries) {
    if (is_so()) return true;
    ::usleep(10'000);
  }
  return false;
}
constexpr unsigned kLowerUp = 0x10000;

}  // namespace conformance
