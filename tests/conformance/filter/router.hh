// A router: two of its own legs, and a host on either.
#pragma once

#include <fcntl.h>

#include "tests/conformance/devices/links.hh"
#include "tests/conformance/filter/rules.hh"

namespace conformance {

inline Fd own_network() { return Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); }
inline void enter(int network) { ASSERT_EQ(setns(network, CLONE_NEWNET), 0); }

inline sockaddr_in at(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

inline std::string default_by(const char* gateway, const char* device) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_BOOT;
  message.rtm_type = RTN_UNICAST;
  return bytes(message) + attribute(RTA_GATEWAY, ip(gateway)) + attribute(RTA_OIF, bytes(index_of(device)));
}

// 10.0.1.2 -- west 10.0.1.1 [router] 10.0.2.1 east -- 10.0.2.2
class Routed {
 public:
  Routed() : router_(own_network()) {
    connect("west", "10.0.1.1", "10.0.1.2", left_);
    connect("east", "10.0.2.1", "10.0.2.2", right_);
    enter(router_);
    const Fd forwards(::open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::write(forwards, "1", 1), 1);
  }
  int router() const { return router_; }
  int left() const { return left_; }
  int right() const { return right_; }
  Fd in_left(int type) { return in(left_, type); }
  Fd in_right(int type) { return in(right_, type); }

 private:
  void connect(const char* name, const char* address, const char* peer, Fd& network) {
    unshare(CLONE_NEWNET);
    network = own_network();
    enter(router_);
    Route netlink;
    EXPECT_EQ(netlink.request(RTM_NEWLINK, kNew, veth(name, named("up") + attribute(IFLA_NET_NS_FD, bytes(network.get())))), 0);
    EXPECT_EQ(set_up(netlink, name), 0);
    EXPECT_EQ(give_address(netlink, name, address, 24), 0);
    enter(network);
    Route inside;
    EXPECT_EQ(set_up(inside, "up"), 0);
    EXPECT_EQ(give_address(inside, "up", peer, 24), 0);
    EXPECT_EQ(inside.request(RTM_NEWROUTE, kNew, default_by(address, "up")), 0);
    EXPECT_TRUE(soon([&] { return (flags_of(show(inside, "up")) & (IFF_RUNNING | kLowerUp)) == (IFF_RUNNING | kLowerUp); }));
    enter(router_);
  }
  Fd in(int network, int type) {
    enter(network);
    Fd fd(::socket(AF_INET, type, 0));
    enter(router_);
    return fd;
  }

  Fd router_, left_, right_;
};

}  // namespace conformance
