// Which TCP ports a program that has confined itself may bind and connect to, and what else is wrong with a call first.
#include <netinet/tcp.h>

#include "tests/conformance/landlock/sandbox.hh"
#include "tests/conformance/uring/ring.hh"

namespace conformance {
namespace {

constexpr long kDenied = -EACCES;

Fd tcp(int family = AF_INET) { return Fd(::socket(family, SOCK_STREAM, 0)); }

// A listener, and a port above it that nobody uses.
class ConfinedPorts : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_LANDLOCK(kPortAbi);
    listener_ = tcp();
    ASSERT_EQ(bind_to(listener_, loopback4()), 0);
    ASSERT_EQ(::listen(listener_, 8), 0);
    open_ = ntohs(name_of(listener_).sin_port);
    const Fd other = tcp();
    ASSERT_EQ(bind_to(other, loopback4()), 0);
    closed_ = ntohs(name_of(other).sin_port);
  }

  Fd listener_;
  uint16_t open_ = 0, closed_ = 0;
};

long bind_size(int fd, uint16_t family, uint16_t port, socklen_t size, uint32_t host = INADDR_LOOPBACK) {
  sockaddr_in6 room{};
  auto* address = reinterpret_cast<sockaddr_in*>(&room);
  address->sin_family = family;
  address->sin_port = htons(port);
  if (family != AF_INET6) address->sin_addr.s_addr = htonl(host);
  return answer(::bind(fd, reinterpret_cast<sockaddr*>(&room), size));
}
long connect_size(int fd, uint16_t family, uint16_t port, socklen_t size) {
  sockaddr_in6 room{};
  auto* address = reinterpret_cast<sockaddr_in*>(&room);
  address->sin_family = family;
  address->sin_port = htons(port);
  if (family != AF_INET6) address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return answer(::connect(fd, reinterpret_cast<sockaddr*>(&room), size));
}

TEST_F(ConfinedPorts, OnlyWhatARuleNamesMayBeBound) {
  in_child([&] {
    confine_ports(kBindTcp, {closed_});
    EXPECT_EQ(bind_to(tcp(), loopback4(closed_)), 0);
    EXPECT_EQ(bind_to(tcp(), loopback4(open_)), kDenied);
    EXPECT_EQ(bind_to(tcp(AF_INET6), loopback6(closed_)), 0);
    EXPECT_EQ(bind_to(tcp(AF_INET6), loopback6(open_)), kDenied);
    EXPECT_EQ(bind_to(tcp(), loopback4(0)), kDenied) << "any port is port 0";
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0) << "of connect() nothing was said";
  });
}

TEST_F(ConfinedPorts, OnlyWhatARuleNamesMayBeConnectedTo) {
  in_child([&] {
    confine_ports(kConnectTcp, {open_});
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0);
    EXPECT_EQ(connect_to(tcp(), loopback4(closed_)), kDenied);
    EXPECT_EQ(connect_to(tcp(AF_INET6), loopback6(closed_)), kDenied);
    EXPECT_EQ(bind_to(tcp(), loopback4(closed_)), 0) << "of bind() nothing was said";
  });
}

TEST_F(ConfinedPorts, PortZeroIsARuleOfItsOwn) {
  in_child([&] {
    confine_ports(kBindTcp, {0});
    EXPECT_EQ(bind_to(tcp(), loopback4(0)), 0);
    EXPECT_EQ(bind_to(tcp(), loopback4(closed_)), kDenied);
  });
}

TEST_F(ConfinedPorts, WhatPicksAPortByItselfIsNotAsked) {
  in_child([&] {
    confine_ports(kBindTcp | kConnectTcp, {open_});
    EXPECT_EQ(::listen(tcp(), 1), 0);
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0);
    const Fd datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(bind_to(datagrams, loopback4(closed_)), 0);
    EXPECT_EQ(connect_to(datagrams, loopback4(closed_)), 0);
  });
}

TEST_F(ConfinedPorts, TheRulesetComesBeforeTheStateOfTheSocket) {
  const Fd connected = tcp();
  ASSERT_EQ(connect_to(connected, loopback4(open_)), 0);
  in_child([&] {
    confine_ports(kBindTcp | kConnectTcp, {open_});
    EXPECT_EQ(connect_size(connected, AF_INET, open_, 16), -EISCONN);
    EXPECT_EQ(connect_size(connected, AF_INET, closed_, 16), kDenied);
    EXPECT_EQ(connect_size(connected, AF_INET, open_, 15), -EINVAL);
    EXPECT_EQ(connect_size(connected, AF_UNIX, closed_, 16), -EISCONN) << "an address without a port";
    EXPECT_EQ(bind_size(connected, AF_INET, closed_, 16), kDenied);
    EXPECT_EQ(bind_size(connected, AF_INET, open_, 16), -EINVAL);
    EXPECT_EQ(bind_size(tcp(), AF_INET, closed_, 16, 0x01020304), kDenied);
    EXPECT_EQ(bind_size(tcp(), AF_INET, open_, 16, 0x01020304), -EADDRNOTAVAIL);
  });
}

TEST_F(ConfinedPorts, OfAnAddressOfAnotherFamilyTheAnswerIsAnother) {
  EXPECT_EQ(bind_size(tcp(), AF_INET6, closed_, 28), -EAFNOSUPPORT);
  EXPECT_EQ(connect_size(tcp(AF_INET6), AF_INET, open_, 28), -EAFNOSUPPORT);
  in_child([&] {
    confine_ports(kBindTcp, {closed_});
    EXPECT_EQ(bind_size(tcp(), AF_INET6, closed_, 28), -EINVAL);
    EXPECT_EQ(bind_size(tcp(AF_INET6), AF_INET, closed_, 28), -EINVAL);
    EXPECT_EQ(bind_size(tcp(), AF_UNIX, closed_, 28), -EAFNOSUPPORT);
    EXPECT_EQ(connect_size(tcp(AF_INET6), AF_INET, open_, 28), -EAFNOSUPPORT) << "connect() is not confined";
    confine_ports(kConnectTcp, {open_});
    EXPECT_EQ(connect_size(tcp(AF_INET6), AF_INET, open_, 28), -EINVAL);
    EXPECT_EQ(connect_size(tcp(), AF_INET6, open_, 28), -EINVAL);
  });
}

TEST_F(ConfinedPorts, AddressesOfNoFamilyBindAsInetAndDisconnectFreely) {
  const Fd connected = tcp();
  ASSERT_EQ(connect_to(connected, loopback4(open_)), 0);
  in_child([&] {
    confine_ports(kBindTcp | kConnectTcp, {open_});
    EXPECT_EQ(bind_size(tcp(), AF_UNSPEC, closed_, 16, INADDR_ANY), kDenied);
    EXPECT_EQ(bind_size(tcp(), AF_UNSPEC, closed_, 16, INADDR_LOOPBACK), -EAFNOSUPPORT);
    EXPECT_EQ(bind_size(tcp(), AF_UNSPEC, closed_, 15, INADDR_ANY), -EINVAL);
    EXPECT_EQ(bind_size(tcp(AF_INET6), AF_UNSPEC, closed_, 28), -EAFNOSUPPORT);
    EXPECT_EQ(connect_size(connected, AF_UNSPEC, closed_, 2), 0);
  });
}

TEST_F(ConfinedPorts, ARulesetUponAnotherOnlyTakesAway) {
  in_child([&] {
    confine_ports(kConnectTcp, {open_, closed_});
    EXPECT_EQ(connect_to(tcp(), loopback4(closed_)), -ECONNREFUSED);
    confine_ports(kConnectTcp | kBindTcp, {open_});
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0);
    EXPECT_EQ(connect_to(tcp(), loopback4(closed_)), kDenied);
    confine_ports(kConnectTcp, {closed_});
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), kDenied);
    EXPECT_EQ(connect_to(tcp(), loopback4(closed_)), kDenied);
  });
}

TEST_F(ConfinedPorts, WhatIsAddedToARulesetLaterChangesNothing) {
  in_child([&] {
    const Fd ruleset = create_ruleset({.ports = kConnectTcp});
    ASSERT_EQ(enforce(ruleset), 0);
    ASSERT_EQ(allow_port(ruleset, kConnectTcp, open_), 0);
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), kDenied);
  });
}

TEST_F(ConfinedPorts, ARulesetPassedOnConfinesWhoTakesIt) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Fd ruleset = create_ruleset({.ports = kConnectTcp});
  in_child([&] {
    const Fd copy(::dup(ruleset));
    ASSERT_EQ(enforce(copy), 0);
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), kDenied);
  });
  EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0) << "who made it is free";
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(ConfinedPorts, ARefusedRulesetConfinesNobody) {
  in_child([&] {
    const Fd ruleset = create_ruleset({.ports = kConnectTcp});
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    EXPECT_EQ(enforce(ruleset, 0x80000000), -EINVAL);
    EXPECT_EQ(enforce(12345), -EBADF);
    EXPECT_EQ(enforce(listener_), -EBADFD);
    EXPECT_EQ(connect_to(tcp(), loopback4(open_)), 0);
  });
}

TEST_F(ConfinedPorts, SixteenRulesetsAreTheMost) {
  in_child([&] {
    const Fd ruleset = create_ruleset({.ports = kBindTcp});
    ASSERT_EQ(allow_port(ruleset, kBindTcp, 0), 0);
    long last = 0;
    for (int i = 0; i < 17 && last == 0; i++) last = enforce(ruleset);
    EXPECT_EQ(last, -E2BIG);
    EXPECT_EQ(bind_to(tcp(), loopback4(0)), 0);
    EXPECT_EQ(bind_to(tcp(), loopback4(closed_)), kDenied);
  });
}

TEST_F(ConfinedPorts, RequestsOfARingAreConfinedAsCallsAre) {
  if (lxnet::uring_test::Ring().fd() < 0) GTEST_SKIP() << "no io_uring here";
  in_child([&] {
    confine_ports(kBindTcp | kConnectTcp, {open_});
    lxnet::uring_test::Ring ring;
    const auto request = [&](uint8_t operation, uint16_t port) {
      const Fd socket = tcp();
      const sockaddr_in address = loopback4(port);
      io_uring_sqe& entry = ring.next(operation, socket, 1);
      entry.addr = lxnet::uring_test::address_of(&address);
      entry.off = sizeof address;
      return ring.run();
    };
    EXPECT_EQ(request(IORING_OP_CONNECT, open_), 0);
    EXPECT_EQ(request(IORING_OP_CONNECT, closed_), kDenied);
    const int bound = request(lxnet::uring_test::kOpBind, closed_);
    EXPECT_TRUE(bound == kDenied || bound == -EINVAL) << bound << ": Linux 6.11 knows it";
  });
}

TEST_F(ConfinedPorts, WhatWasBoundAndConnectedBeforeGoesOn) {
  const Fd connected = tcp();
  ASSERT_EQ(connect_to(connected, loopback4(open_)), 0);
  in_child([&] {
    confine_ports(kBindTcp | kConnectTcp);
    EXPECT_EQ(::send(connected, "x", 1, 0), 1);
    const Fd accepted(::accept(listener_, nullptr, nullptr));
    char byte = 0;
    EXPECT_EQ(::recv(accepted, &byte, 1, 0), 1);
  });
}

}  // namespace
}  // namespace conformance
