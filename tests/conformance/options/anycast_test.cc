// IPV6_JOIN_ANYCAST: an address that is several hosts' at once.
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

constexpr int kJoin = 27, kLeave = 28;
constexpr const char* kOwn = "2001:db8:a::1";
constexpr const char* kShared = "2001:db8:a::5";
constexpr const char* kElsewhere = "2001:db8:b::5";

in6_addr address6(const char* text) {
  in6_addr address{};
  inet_pton(AF_INET6, text, &address);
  return address;
}

// `lo` with a subnet.
bool enter_namespace() {
  static const bool entered = [] {
    if (::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0)), fd6(::socket(AF_INET6, SOCK_DGRAM, 0));
    ifreq request{};
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) return false;
    struct {
      in6_addr address;
      uint32_t prefix_length;
      int interface_index;
    } subnet{address6(kOwn), 64, 1};
    if (::ioctl(fd6, SIOCSIFADDR, &subnet) != 0) return false;
    // It becomes ours a little later.
    for (int i = 0; i < 1000; ++i) {
      const Fd user(::socket(AF_INET6, SOCK_DGRAM, 0));
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_addr = address6(kOwn);
      if (bind_to(user, name) == 0) return true;
      ::usleep(2000);
    }
    return false;
  }();
  return entered;
}

class AnycastTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_namespace()) GTEST_SKIP() << "no namespace may be made here";
  }
};

long change(int fd, int option, const char* address, int interface_index = 0) {
  ipv6_mreq request{address6(address), static_cast<unsigned>(interface_index)};
  return set_option(fd, IPPROTO_IPV6, option, request);
}
sockaddr_in6 at(const char* address, in_port_t port) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = port;
  name.sin6_addr = address6(address);
  return name;
}
long send_to(int fd, const sockaddr_in6& name, const std::string& bytes) {
  return answer(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&name), sizeof name));
}

TEST_F(AnycastTest, WhatIsNotForManyIsRefused) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(change(fd, kJoin, "ff02::1"), -EINVAL);
  EXPECT_EQ(change(fd, kJoin, kOwn), -EINVAL);
  EXPECT_EQ(change(fd, kJoin, kShared, 77), -ENODEV);
  EXPECT_EQ(change(fd, kJoin, kElsewhere), -EADDRNOTAVAIL);
  EXPECT_EQ(change(fd, kJoin, kElsewhere, 1), -EADDRNOTAVAIL);
  EXPECT_EQ(change(fd, kLeave, kShared), -ENOENT);
  char little[16] = {};
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, kJoin, little, sizeof little)), -EINVAL);
}

TEST_F(AnycastTest, AMemberIsLeftAsOftenAsItWasJoined) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(change(fd, kJoin, kShared), 0);
  EXPECT_EQ(change(fd, kJoin, kShared, 1), 0);
  EXPECT_EQ(change(fd, kLeave, kShared, 1), 0);
  EXPECT_EQ(change(fd, kLeave, kShared), 0);
  EXPECT_EQ(change(fd, kLeave, kShared), -ENOENT);
}

TEST_F(AnycastTest, DatagramsToItArriveWhileItIsJoined) {
  const Fd receiver(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)), sender(::socket(AF_INET6, SOCK_DGRAM, 0));
  bind_to(receiver, at("::", 0));
  const in_port_t port = name6_of(receiver).sin6_port;
  char byte;
  send_to(sender, at(kShared, port), "x");
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), -EAGAIN);
  {
    const Fd member(::socket(AF_INET6, SOCK_DGRAM, 0));
    EXPECT_EQ(change(member, kJoin, kShared), 0);
    EXPECT_EQ(send_to(sender, at(kShared, port), "x"), 1);
    EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), 1);
  }
  send_to(sender, at(kShared, port), "x");
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), -EAGAIN);
}

TEST_F(AnycastTest, NobodyIsBoundToItAndNoStreamConnects) {
  const Fd member(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(change(member, kJoin, kShared), 0);
  EXPECT_EQ(bind_to(member, at(kShared, 0)), -EADDRNOTAVAIL);
  const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0)), client(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
  bind_to(listener, at("::", 0));
  ::listen(listener, 1);
  EXPECT_EQ(connect_to(client, at(kShared, name6_of(listener).sin6_port)), -EINPROGRESS);
  pollfd entry{listener, POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 50), 0);
}

TEST_F(AnycastTest, AnEchoIsAnsweredFromAnotherAddress) {
  const Fd member(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(change(member, kJoin, kShared), 0);
  const Fd raw = raw_socket(AF_INET6, IPPROTO_ICMPV6);
  if (raw < 0) GTEST_SKIP() << "raw sockets are the privileged's";
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  set_option(raw, IPPROTO_ICMPV6, ICMP6_FILTER, filter);
  EXPECT_EQ(send_to(raw, at(kShared, 0), std::string("\x80\0\0\0\x12\x34\0\1", 8)), 8);
  pollfd entry{raw, POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 1000), 1);
  const Received reply = receive_message(raw);
  ASSERT_GE(reply.name.size(), sizeof(sockaddr_in6));
  sockaddr_in6 from;
  memcpy(&from, reply.name.data(), sizeof from);
  const in6_addr shared = address6(kShared);
  EXPECT_NE(memcmp(&from.sin6_addr, &shared, sizeof shared), 0);
}

}  // namespace
}  // namespace conformance
