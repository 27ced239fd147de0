// What rules do to packets.
#include "tests/conformance/filter/rules.hh"

namespace conformance {
namespace {

constexpr int kIn = NF_INET_LOCAL_IN, kForward = NF_INET_FORWARD, kOut = NF_INET_LOCAL_OUT, kPre = NF_INET_PRE_ROUTING,
              kPost = NF_INET_POST_ROUTING;

Fd bound4() {
  Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  bind_to(fd, loopback4());
  return fd;
}
Fd bound6() {
  Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  bind_to(fd, loopback6());
  return fd;
}
uint16_t port_of(int fd) {
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length);
  return ntohs(name.sin6_port);
}
template <typename Address>
long send_to(int fd, const Address& to, size_t size = 1) {
  const std::string data(size, 'x');
  return answer(::sendto(fd, data.data(), data.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}
long receive(int fd) {
  char data[2048];
  return answer(::recv(fd, data, sizeof data, MSG_DONTWAIT));
}

TEST(Filter, ALogSaysNothingOfAPacketsFate) {
  with_filter([](int fd) {
    const auto put = [&](unsigned char level, const char* prefix, size_t size) {
      std::string settings(32, '\0');
      settings[0] = static_cast<char>(level);
      settings.replace(2, size, prefix, size);
      return Table4("filter").hook(kIn, {Rule4(extension("LOG", 0, settings))}).hook(kForward).hook(kOut).replace(fd);
    };
    const std::string long_prefix(30, 'p');
    EXPECT_EQ(put(8, "", 0), -EINVAL);
    EXPECT_EQ(put(4, long_prefix.data(), 30), -EINVAL);
    // To nobody's eyes: at the lowest level.
    EXPECT_EQ(put(7, long_prefix.data(), 29), 0);
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
    EXPECT_EQ(receive(receiver), 1);
    EXPECT_EQ(Table4::counters(fd, "filter")[0].first, 1u);
    EXPECT_EQ(Table4::counters(fd, "filter")[1].first, 1u) << "the next rule is asked";
  });
}

TEST(Filter, WhatOutputDropsIsRefusedToItsSender) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    const uint16_t port = port_of(receiver);
    EXPECT_EQ(send_to(sender, loopback4(port)), 1);
    EXPECT_EQ(receive(receiver), 1);
    EXPECT_EQ(Table4("filter")
                  .hook(kIn)
                  .hook(kForward)
                  .hook(kOut, {Rule4(IPPROTO_UDP, to_udp_port(port, port), verdict(kDrop))})
                  .replace(fd),
              0);
    EXPECT_EQ(send_to(sender, loopback4(port)), -EPERM) << "although the socket has sent there before";
    EXPECT_EQ(receive(receiver), -EAGAIN);
    EXPECT_EQ(Table4::counters(fd, "filter")[2], std::pair(uint64_t{1}, uint64_t{29}));
    EXPECT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(send_to(sender, loopback4(port)), 1);
    EXPECT_EQ(receive(receiver), 1);
  });
}

TEST(Filter, AConnectedSocketThatKeepsSendingMeetsNewRules) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {}, kDrop).replace(fd), 0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), -EPERM);
    ASSERT_EQ(Table4("filter").hook(kIn, {}, kDrop).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(receive(receiver), 1);
    EXPECT_EQ(receive(receiver), -EAGAIN);
  });
}

TEST(Filter, WhatInputDropsIsLostInSilence) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(Table4("filter").hook(kIn, {Rule4(IPPROTO_UDP, "", verdict(kDrop))}).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(send_to(sender, name_of(receiver), 100), 100);
    EXPECT_EQ(receive(receiver), -EAGAIN);
    const Counts counts = Table4::counters(fd, "filter");
    EXPECT_EQ(counts[0], std::pair(uint64_t{1}, uint64_t{128}));
    EXPECT_EQ(counts[3], std::pair(uint64_t{1}, uint64_t{128})) << "the policy of OUTPUT counts too";
  });
}

TEST(Filter, InputSeesWholeDatagramsAndOutputDoesToo) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    request.ifr_mtu = 1500;
    ASSERT_EQ(::ioctl(fd, SIOCSIFMTU, &request), 0);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost).replace(fd), 0);
    EXPECT_EQ(send_to(sender, name_of(receiver), 3000), 3000);
    const Counts whole{{1, 3028}};
    EXPECT_EQ(Table4::counters(fd, "filter")[0], whole[0]);
    EXPECT_EQ(Table4::counters(fd, "filter")[2], whole[0]);
    EXPECT_EQ(Table4::counters(fd, "mangle")[4], whole[0]) << "POSTROUTING";
    EXPECT_EQ(Table4::counters(fd, "mangle")[0], std::pair(uint64_t{3}, uint64_t{3068})) << "PREROUTING: in pieces";
  });
}

TEST(Filter, InputOfIpv6SeesPieces) {
  with_filter([](int fd) {
    const Fd own(::socket(AF_INET6, SOCK_DGRAM, 0)), receiver = bound6(), sender(::socket(AF_INET6, SOCK_DGRAM, 0));
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    request.ifr_mtu = 1500;
    ASSERT_EQ(::ioctl(fd, SIOCSIFMTU, &request), 0);
    const uint16_t port = port_of(receiver);
    ASSERT_EQ(Table6("filter")
                  .hook(kIn, {Rule6(IPPROTO_UDP, to_udp_port(port, port), verdict(kAccept))})
                  .hook(kForward)
                  .hook(kOut)
                  .replace(own),
              0);
    EXPECT_EQ(send_to(sender, loopback6(port), 3000), 3000);
    const Counts counts = Table6::counters(own, "filter");
    EXPECT_EQ(counts[0].first, 1u) << "only the first piece says its port";
    EXPECT_EQ(counts[1].first, 2u);
    EXPECT_EQ(counts[3], std::pair(uint64_t{1}, uint64_t{3048})) << "OUTPUT: whole";
  });
}

TEST(Filter, AReplacedTablesCountersComeBackOnce) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(send_to(sender, name_of(receiver), 10), 10);
    std::vector<xt_counters> old;
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd, &old), 0);
    ASSERT_EQ(old.size(), 4u);
    EXPECT_EQ(old[0].pcnt, 3u);
    EXPECT_EQ(old[0].bcnt, 114u);
    EXPECT_EQ(old[1].pcnt, 0u);
    EXPECT_EQ(old[2].pcnt, 3u);
    EXPECT_EQ(Table4::counters(fd, "filter"), Counts({{0, 0}, {0, 0}, {0, 0}, {0, 0}}));
    struct {
      char name[32];
      unsigned number, padding;
      xt_counters counters[4];
    } add{"filter", 4, 0, {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
    EXPECT_EQ(answer(::setsockopt(fd, SOL_IP, IPT_SO_SET_ADD_COUNTERS, &add, sizeof add)), 0);
    EXPECT_EQ(Table4::counters(fd, "filter"), Counts({{1, 2}, {3, 4}, {5, 6}, {7, 8}}));
  });
}

TEST(Filter, JumpsReturnAndGotosDoNot) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    // Where the chains will be: hooks first.
    const auto build = [](unsigned first, unsigned second, unsigned& first_at, unsigned& second_at) {
      Table4 table("filter");
      table.hook(kIn);
      table.hook(kForward);
      Rule4 leaves(verdict(static_cast<int>(second)));
      V4::set_goto(leaves.entry);
      table.hook(kOut, {Rule4(verdict(static_cast<int>(first))), leaves, Rule4(verdict(kDrop))});
      first_at = table.chain(
          "first", {Rule4(IPPROTO_TCP, "", verdict(kDrop)), Rule4(IPPROTO_UDP, "", verdict(kReturn)), Rule4(verdict(kDrop))});
      second_at = table.chain("second", {Rule4(IPPROTO_TCP, "", verdict(kDrop))});
      return table;
    };
    unsigned first = 1, second = 1;
    build(1, 1, first, second);
    Table4 table = build(first, second, first, second);
    ASSERT_EQ(table.replace(fd), 0);
    EXPECT_EQ(send_to(sender, name_of(receiver)), 1) << "a chain that was gone to returns to the policy";
    const Counts counts = Table4::counters(fd, "filter");
    ASSERT_EQ(counts.size(), 15u);
    const uint64_t expected[] = {1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    for (size_t i = 0; i < counts.size(); ++i) EXPECT_EQ(counts[i].first, expected[i]) << i;
  });
}

TEST(Filter, AnInterfaceIsAskedForByItsName) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    for (const char* name : {"lo", "l", "lo0"}) {
      Rule4 rule(verdict(kDrop));
      V4::set_input(rule.entry, name);
      ASSERT_EQ(Table4("filter").hook(kIn, {rule}).hook(kForward).hook(kOut).replace(fd), 0);
      EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
      EXPECT_EQ(receive(receiver), strcmp(name, "lo") == 0 ? -EAGAIN : 1) << name;
    }
    // iptables' "l+": as much of the name as the mask covers.
    Rule4 rule(verdict(kDrop));
    V4::set_input(rule.entry, "l");
    rule.entry.ip.iniface_mask[1] = 0;
    ASSERT_EQ(Table4("filter").hook(kIn, {rule}).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
    EXPECT_EQ(receive(receiver), -EAGAIN);
    rule.entry.ip.invflags = IPT_INV_VIA_IN;
    ASSERT_EQ(Table4("filter").hook(kIn, {rule}).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
    EXPECT_EQ(receive(receiver), 1);
  });
}

TEST(Filter, AddressesAreAskedForUnderMasks) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    struct {
      const char *source, *mask;
      uint8_t inverted;
      bool drops;
    } const cases[] = {
        {"127.0.0.1", "255.255.255.255", 0, true},
        {"127.0.0.2", "255.255.255.255", 0, false},
        {"127.0.0.0", "255.0.0.0", 0, true},
        {"127.0.0.1", "255.0.0.0", 0, false},
        {"127.0.0.2", "255.255.255.255", IPT_INV_SRCIP, true},
        {"127.0.0.1", "255.255.255.255", IPT_INV_SRCIP, false},
    };
    for (const auto& one : cases) {
      Rule4 rule(verdict(kDrop));
      inet_pton(AF_INET, one.source, &rule.entry.ip.src);
      inet_pton(AF_INET, one.mask, &rule.entry.ip.smsk);
      rule.entry.ip.invflags = one.inverted;
      ASSERT_EQ(Table4("filter").hook(kIn, {rule}).hook(kForward).hook(kOut).replace(fd), 0);
      EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
      EXPECT_EQ(receive(receiver), one.drops ? -EAGAIN : 1) << one.source << '/' << one.mask << ' ' << int{one.inverted};
    }
  });
}

TEST(Filter, ADroppedSynIsASynThatWasLost) {
  with_filter([](int fd) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    bind_to(listener, loopback4());
    ::listen(listener, 8);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {Rule4(IPPROTO_TCP, "", verdict(kDrop))}).replace(fd), 0);
    EXPECT_EQ(connect_to(client, name_of(listener)), -EINPROGRESS);
    EXPECT_EQ(poll_now(client, POLLOUT), 0);
    EXPECT_EQ(Table4::counters(fd, "filter")[2].first, 1u);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(poll_now(client, POLLOUT, 10'000), POLLOUT) << "it is sent again";
  });
}

TEST(Filter, DataOfAConnectionThatOutputDropsWaits) {
  with_filter([](int fd) {
    const TcpPair pair = tcp_pair();
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {}, kDrop).replace(fd), 0);
    EXPECT_EQ(answer(::send(pair.client, "data", 4, 0)), 4);
    EXPECT_EQ(poll_now(pair.server, POLLIN), 0);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    EXPECT_EQ(poll_now(pair.server, POLLIN, 10'000), POLLIN);
    EXPECT_EQ(receive(pair.server), 4);
  });
}

// ---- REJECT

long error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

TEST(Reject, AnIcmpErrorReachesTheSender) {
  with_filter([](int fd) {
    struct {
      unsigned with;
      long error;
    } const cases[] = {
        {IPT_ICMP_PORT_UNREACHABLE, ECONNREFUSED}, {IPT_ICMP_HOST_UNREACHABLE, 0},
        {IPT_ICMP_PROT_UNREACHABLE, ENOPROTOOPT},  {IPT_ICMP_ADMIN_PROHIBITED, EHOSTUNREACH},
        {IPT_ICMP_NET_PROHIBITED, ENETUNREACH},    {9, 0},
    };
    for (const auto& one : cases) {
      const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
      ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
      ASSERT_EQ(Table4("filter").hook(kIn, {Rule4(IPPROTO_UDP, "", reject(one.with))}).hook(kForward).hook(kOut).replace(fd), 0);
      EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
      EXPECT_EQ(error_of(sender), one.error) << one.with;
      EXPECT_EQ(receive(receiver), -EAGAIN);
    }
  });
}

TEST(Reject, OfIpv6TooAndByReset) {
  with_filter([](int) {
    const Fd own(::socket(AF_INET6, SOCK_DGRAM, 0)), receiver = bound6(), sender(::socket(AF_INET6, SOCK_DGRAM, 0));
    const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0)), client(::socket(AF_INET6, SOCK_STREAM, 0));
    bind_to(listener, loopback6());
    ::listen(listener, 8);
    ASSERT_EQ(connect_to(sender, loopback6(port_of(receiver))), 0);
    constexpr unsigned kPortUnreachable = 4, kTcpReset = 6;
    // Of one port only: the reset comes in here too, and must not be refused itself.
    const Rule6 reset(IPPROTO_TCP, to_tcp_port(port_of(listener)), reject(kTcpReset));
    ASSERT_EQ(Table6("filter")
                  .hook(kIn, {Rule6(IPPROTO_UDP, "", reject(kPortUnreachable)), reset})
                  .hook(kForward)
                  .hook(kOut)
                  .replace(own),
              0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
    EXPECT_EQ(error_of(sender), ECONNREFUSED);
    EXPECT_EQ(connect_to(client, loopback6(port_of(listener))), -ECONNREFUSED);
  });
}

TEST(Reject, AResetEndsAConnection) {
  with_filter([](int fd) {
    const TcpPair pair = tcp_pair();
    const uint16_t port = port_of(pair.listener);
    ASSERT_EQ(Table4("filter")
                  .hook(kIn, {Rule4(IPPROTO_TCP, to_tcp_port(port), reject(IPT_TCP_RESET))})
                  .hook(kForward)
                  .hook(kOut)
                  .replace(fd),
              0);
    EXPECT_EQ(answer(::send(pair.client, "data", 4, 0)), 4);
    EXPECT_EQ(receive(pair.client), -ECONNRESET);
    EXPECT_EQ(receive(pair.server), -EAGAIN) << "who was addressed heard nothing";
    const Fd another(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect_to(another, loopback4(port)), -ECONNREFUSED);
  });
}

TEST(Reject, OfWhatWeSendOurselves) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0)), listener(::socket(AF_INET, SOCK_STREAM, 0)),
             client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
    bind_to(listener, loopback4());
    ::listen(listener, 8);
    ASSERT_EQ(Table4("filter")
                  .hook(kIn)
                  .hook(kForward)
                  .hook(kOut, {Rule4(IPPROTO_UDP, "", reject(IPT_ICMP_PORT_UNREACHABLE)),
                               Rule4(IPPROTO_TCP, to_tcp_port(port_of(listener)), reject(IPT_TCP_RESET))})
                  .replace(fd),
              0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), -EPERM);
    EXPECT_EQ(error_of(sender), ECONNREFUSED);
    EXPECT_EQ(connect_to(client, name_of(listener)), -ECONNREFUSED);
  });
}

// ---- marks

TEST(Mark, WhatMangleMarksFilterFinds) {
  with_filter([](int fd) {
    const Fd receiver = bound4(), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut, {Rule4(set_mark(5))}).hook(kPost).replace(fd), 0);
    ASSERT_EQ(Table4("filter")
                  .hook(kIn, {Rule4(0, has_mark(5), verdict(kDrop))})
                  .hook(kForward)
                  .hook(kOut, {Rule4(0, has_mark(6), verdict(kDrop))})
                  .replace(fd),
              0);
    EXPECT_EQ(send_to(sender, name_of(receiver)), 1);
    EXPECT_EQ(receive(receiver), -EAGAIN) << "lo keeps a packet's mark";
  });
}

}  // namespace
}  // namespace conformance
