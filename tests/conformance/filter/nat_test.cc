// Addresses that rules change: of what this host sends and receives, and of what it forwards.
#include <sys/wait.h>

#include <algorithm>

#include "tests/conformance/filter/nat_rules.hh"

namespace conformance {
namespace {

Fd udp4() { return Fd(::socket(AF_INET, SOCK_DGRAM, 0)); }
Fd listening(const char* address, uint16_t port) {
  Fd fd = bound(::socket(AF_INET, SOCK_STREAM, 0), address, port);
  EXPECT_EQ(::listen(fd, 8), 0);
  return fd;
}
Fd accepted(int listener) { return Fd(::accept(listener, nullptr, nullptr)); }
Rule4 udp_rule(std::string does) { return Rule4(IPPROTO_UDP, "", std::move(does)); }
Rule4 tcp_rule(std::string does) { return Rule4(IPPROTO_TCP, "", std::move(does)); }

template <typename Family>
void check_initial(const char* what, unsigned size, const std::vector<unsigned>& places) {
  const Fd fd(::socket(Family::kFamily, SOCK_DGRAM, 0));
  const auto info = Table<Family>::info_of(fd, "nat");
  EXPECT_EQ(info.valid_hooks, 0x1bu) << what;
  EXPECT_EQ(info.num_entries, 5u) << what;
  EXPECT_EQ(info.size, size) << what;
  EXPECT_EQ(std::vector<unsigned>(std::begin(info.hook_entry), std::end(info.hook_entry)), places) << what;
  EXPECT_EQ(std::vector<unsigned>(std::begin(info.underflow), std::end(info.underflow)), places) << what;
}
TEST(Nat, ATableBeginsWithAPolicyForEachHook) {
  with_filter([](int) {
    check_initial<V4>("IPv4", 784, {0, 152, ~0u, 304, 456});
    check_initial<V6>("IPv6", 1064, {0, 208, ~0u, 416, 624});
  });
}

TEST(Nat, TargetsStandWhereTheyMean) {
  with_filter([](int fd) {
    const auto range = nat_range("127.0.0.2", "127.0.0.2"), ports = nat_range(nullptr, nullptr, 80, 90);
    const auto put = [&](int hook, const std::string& target) {
      std::vector<Rule4> rules[5];
      rules[hook].push_back(tcp_rule(target));
      return put_nat<V4>(fd, rules[kPre], rules[kIn], rules[kOut], rules[kPost]);
    };
    for (const int hook : {kPre, kIn, kOut, kPost}) {
      const bool is_source = hook == kIn || hook == kPost;
      EXPECT_EQ(put(hook, snat(range)), is_source ? 0 : -EINVAL) << hook;
      EXPECT_EQ(put(hook, dnat(range)), is_source ? -EINVAL : 0) << hook;
      EXPECT_EQ(put(hook, extension("SNAT", 1, bytes(range).substr(0, 40))), is_source ? 0 : -EINVAL) << hook;
      EXPECT_EQ(put(hook, old_target("DNAT", range)), is_source ? -EINVAL : 0) << hook;
      EXPECT_EQ(put(hook, old_target("MASQUERADE", ports)), hook == kPost ? 0 : -EINVAL) << hook;
      EXPECT_EQ(put(hook, old_target("REDIRECT", ports)), is_source ? -EINVAL : 0) << hook;
      EXPECT_EQ(put(hook, old_target("NETMAP", range)), 0) << hook;
    }
    EXPECT_EQ(put(kPost, old_target("MASQUERADE", range)), -EINVAL) << "an address";
    EXPECT_EQ(put(kOut, old_target("REDIRECT", range)), -EINVAL) << "an address";
    EXPECT_EQ(put(kOut, old_target("NETMAP", ports)), -EINVAL) << "no address";
    auto two = nat_range4(range);
    two.rangesize = 2;
    EXPECT_EQ(put(kPost, extension("SNAT", 0, bytes(two))), -EINVAL);
    EXPECT_EQ(put(kPost, extension("SNAT", 3, bytes(range))), -EPROTOTYPE);
    EXPECT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {tcp_rule(dnat(range))}).replace(fd), -EINVAL);
    EXPECT_EQ(Table4("raw").hook(kPre, {tcp_rule(extension("CT", 2, bytes(xt_ct_target_info_v1{})))}).hook(kOut).replace(fd), 0);
    EXPECT_EQ(Table4("mangle").hook(kPre, {tcp_rule(extension("NOTRACK", 0, ""))}).replace(fd), -EINVAL);
  });
}

TEST(Nat, WhatOutputRedirectsIsAnsweredInTheOldName) {
  with_filter([](int fd) {
    const Fd listener = listening("127.0.0.1", 8080);
    ASSERT_EQ(
        put_nat<V4>(fd, {}, {},
                    {Rule4(IPPROTO_TCP, to_tcp_port(80), old_target("REDIRECT", nat_range(nullptr, nullptr, 8080, 8080)))}, {}),
        0);
    const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(client, at("127.9.9.9", 80)), 0);
    const Fd server = accepted(listener);
    EXPECT_EQ(peer_of(client), "127.9.9.9:80");
    EXPECT_EQ(text_of(name_of(server)), "127.0.0.1:8080");
    EXPECT_EQ(original_destination(server), "127.9.9.9:80");
    EXPECT_EQ(original_destination(client), "127.9.9.9:80");
    char data[16] = {};
    EXPECT_EQ(answer(::send(client, "ask", 3, 0)), 3);
    EXPECT_EQ(answer(::recv(server, data, sizeof data, 0)), 3);
    EXPECT_EQ(answer(::send(server, "tell", 4, 0)), 4);
    EXPECT_EQ(answer(::recv(client, data, sizeof data, 0)), 4);
    EXPECT_EQ(Table4::counters(fd, "nat")[2], std::pair(uint64_t{1}, uint64_t{60})) << "only the first packet asks";
    // The connection keeps what it has while connections are followed at all.
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {udp_rule(to_address("127.0.0.1"))}, {}), 0);
    EXPECT_EQ(answer(::send(client, "ask", 3, 0)), 3);
    EXPECT_EQ(poll_now(server, POLLIN, 2000), POLLIN);
    EXPECT_EQ(answer(::recv(server, data, sizeof data, 0)), 3);
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {}, {}), 0);
    EXPECT_EQ(answer(::send(client, "ask", 3, 0)), 3);
    EXPECT_EQ(poll_now(server, POLLIN, 2000), POLLIN | POLLERR | POLLHUP) << "both are strangers now, and reset each other";
  });
}

TEST(Nat, OriginalDestinationHasLinuxsErrors) {
  with_filter([](int fd) {
    const auto ask = [](int level, int on, socklen_t length) {
      char room[64];
      return answer(::getsockopt(on, level, SO_ORIGINAL_DST, room, &length));
    };
    const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0)), udp = udp4(), tcp6(::socket(AF_INET6, SOCK_STREAM, 0)),
                                                     udp6(::socket(AF_INET6, SOCK_DGRAM, 0));
    EXPECT_EQ(ask(SOL_IP, tcp, 16), -ENOENT);
    EXPECT_EQ(ask(SOL_IP, tcp, 15), -EINVAL);
    EXPECT_EQ(ask(SOL_IP, udp, 4), -ENOPROTOOPT);
    EXPECT_EQ(ask(SOL_IPV6, tcp, 28), -EOPNOTSUPP);
    EXPECT_EQ(ask(SOL_IP, tcp6, 16), -ENOENT);
    EXPECT_EQ(ask(SOL_IPV6, tcp6, 28), -ENOENT);
    EXPECT_EQ(ask(SOL_IPV6, tcp6, 27), -EINVAL);
    EXPECT_EQ(ask(SOL_IPV6, udp6, 28), -ENOPROTOOPT);
    TcpPair pair = tcp_pair();
    EXPECT_EQ(original_destination(pair.server), std::to_string(-ENOENT)) << "nobody follows it";
    ASSERT_EQ(Table4("filter").hook(kIn, {Rule4(0, in_state(kNew4), verdict(kAccept))}).hook(kForward).hook(kOut).replace(fd), 0);
    pair = tcp_pair();
    sockaddr_in name[2];
    socklen_t length = sizeof name;
    ASSERT_EQ(::getsockopt(pair.server, SOL_IP, SO_ORIGINAL_DST, name, &length), 0);
    EXPECT_EQ(length, sizeof name) << "as it was";
    EXPECT_EQ(text_of(name[0]), text_of(name_of(pair.listener)));
    EXPECT_EQ(answer(::getsockopt(pair.server, SOL_IP, SO_ORIGINAL_DST, bad_pointer(), &length)), -EFAULT);
  });
}

TEST(Nat, ADatagramThatIsSentElsewhereIsAnsweredFromWhereItWasMeantFor) {
  with_filter([](int fd) {
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.5", 5000),
             sender = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 1000);
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {udp_rule(to_address("127.0.0.5", 5000))}, {}), 0);
    EXPECT_EQ(send_to(sender, at("127.0.0.9", 53)), 1);
    EXPECT_EQ(next_sender(receiver), "127.0.0.1:1000");
    EXPECT_EQ(send_to(receiver, at("127.0.0.1", 1000)), 1);
    EXPECT_EQ(next_sender(sender), "127.0.0.9:53");
  });
}

TEST(Nat, AnErrorAboutAChangedPacketSpeaksOfTheOldOne) {
  with_filter([](int fd) {
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {udp_rule(to_address("127.0.0.5", 5000))}, {}), 0);
    const Fd sender = udp4();
    const int on = 1;
    ::setsockopt(sender, SOL_IP, IP_RECVERR, &on, sizeof on);
    ASSERT_EQ(connect_to(sender, at("127.0.0.9", 53)), 0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
    EXPECT_EQ(poll_now(sender, POLLIN, 2000) & POLLERR, POLLERR);
    char control[256];
    sockaddr_in name{};
    iovec nothing{control, 0};
    msghdr message{&name, sizeof name, &nothing, 1, control, sizeof control, 0};
    ASSERT_GE(answer(::recvmsg(sender, &message, MSG_ERRQUEUE)), 0);
    EXPECT_EQ(text_of(name), "127.0.0.9:53") << "whom the packet was for";
  });
}

TEST(Nat, WhatComesBackToThisHostHasItsSourceAlready) {
  with_filter([](int fd) {
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 5000),
             sender = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 1000);
    ASSERT_EQ(put_nat<V4>(fd, {}, {udp_rule(snat(nat_range("127.7.7.7", "127.7.7.7", 4000, 4000)))}, {}, {}), 0);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(next_sender(receiver), "127.0.0.1:1000") << "POSTROUTING has decided";
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {}, {udp_rule(snat(nat_range("127.7.7.7", "127.7.7.7", 4000, 4000)))}), 0);
    const Fd other = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 1001);
    EXPECT_EQ(send_to(other, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(next_sender(receiver), "127.7.7.7:4000");
    EXPECT_EQ(send_to(receiver, at("127.7.7.7", 4000)), 1);
    EXPECT_EQ(next_sender(other), "127.0.0.1:5000");
  });
}

TEST(Nat, PortsOfARangeAreGivenOnceEachAndThenNoMore) {
  with_filter([](int fd) {
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 5000);
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {}, {udp_rule(snat(nat_range("127.0.0.8", "127.0.0.8", 7000, 7002)))}), 0);
    std::vector<Fd> senders;
    std::vector<std::string> seen;
    for (int i = 0; i < 3; ++i) {
      senders.push_back(udp4());
      EXPECT_EQ(send_to(senders.back(), at("127.0.0.1", 5000)), 1);
      seen.push_back(next_sender(receiver));
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, std::vector<std::string>({"127.0.0.8:7000", "127.0.0.8:7001", "127.0.0.8:7002"}));
    senders.push_back(udp4());
    EXPECT_EQ(send_to(senders.back(), at("127.0.0.1", 5000)), -EPERM) << "there is no tuple left";
    EXPECT_EQ(next_sender(receiver, 0), "");
    EXPECT_EQ(send_to(senders[0], at("127.0.0.1", 5000)), 1) << "who has one keeps it";
    EXPECT_EQ(next_sender(receiver).substr(0, 11), "127.0.0.8:7");
  });
}

TEST(Nat, APortThatIsTakenMovesEvenWhereNoRuleSaysSo) {
  with_filter([](int fd) {
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 5000),
             first = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.2", 3000),
             second = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.3", 3000);
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {}, {udp_rule(snat(nat_range("127.0.0.8", "127.0.0.8")))}), 0);
    EXPECT_EQ(send_to(first, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(next_sender(receiver), "127.0.0.8:3000");
    EXPECT_EQ(send_to(second, at("127.0.0.1", 5000)), 1);
    const std::string moved = next_sender(receiver);
    EXPECT_EQ(moved.substr(0, 10), "127.0.0.8:");
    EXPECT_NE(moved, "127.0.0.8:3000");
    EXPECT_GE(std::stoi("0" + moved.substr(10)), 1024);
    // What comes in by a tuple that another has is moved too.
    const Fd third = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.8", 3000);
    EXPECT_EQ(send_to(third, at("127.0.0.1", 5000)), 1);
    EXPECT_NE(next_sender(receiver), "127.0.0.8:3000");
  });
}

TEST(Nat, AllFlagsOfPortsKeepToTheRange) {
  with_filter([](int fd) {
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.1", 5000);
    for (const int flags : {NF_NAT_RANGE_PROTO_RANDOM, NF_NAT_RANGE_PROTO_RANDOM_FULLY, NF_NAT_RANGE_PERSISTENT}) {
      ASSERT_EQ(put_nat<V4>(fd, {}, {}, {},
                            {udp_rule(snat(nat_range("127.0.1.1", "127.0.1.4", 7000, 7100, static_cast<unsigned>(flags))))}),
                0);
      const Fd sender = udp4();
      EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
      const std::string seen = next_sender(receiver);
      EXPECT_EQ(seen.substr(0, 8), "127.0.1.") << flags;
      EXPECT_EQ(seen.substr(9, 2), ":7") << seen;
      EXPECT_LE(std::stoi("0" + seen.substr(10)), 7100) << flags;
    }
  });
}

TEST(Nat, ARangeWithABaseShiftsPorts) {
  with_filter([](int fd) {
    auto range = nat_range("127.0.0.5", "127.0.0.5", 6000, 6100, NF_NAT_RANGE_PROTO_OFFSET);
    range.base_proto.all = htons(2000);
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {udp_rule(dnat(range))}, {}), 0);
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.0.0.5", 6042), sender = udp4();
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 2042)), 1);
    EXPECT_NE(next_sender(receiver), "");
  });
}

TEST(Nat, NetmapKeepsTheHostsPart) {
  with_filter([](int fd) {
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {udp_rule(old_target("NETMAP", nat_range("127.3.2.0", "127.3.2.255")))}, {}), 0);
    const Fd receiver = bound(::socket(AF_INET, SOCK_DGRAM, 0), "127.3.2.77", 5000), sender = udp4();
    EXPECT_EQ(send_to(sender, at("127.0.0.77", 5000)), 1);
    EXPECT_NE(next_sender(receiver), "");
  });
}

TEST(Nat, OfIpv6LikeOfIpv4) {
  with_filter([](int) {
    const Fd control(::socket(AF_INET6, SOCK_DGRAM, 0)), listener(::socket(AF_INET6, SOCK_STREAM, 0)),
        client(::socket(AF_INET6, SOCK_STREAM, 0));
    const auto at6 = [](const char* text, uint16_t port) {
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_port = htons(port);
      inet_pton(AF_INET6, text, &name.sin6_addr);
      return name;
    };
    ASSERT_EQ(bind_to(listener, at6("::", 8080)), 0);
    ASSERT_EQ(::listen(listener, 8), 0);
    ASSERT_EQ(
        put_nat<V6>(control, {}, {}, {Rule6(IPPROTO_TCP, "", old_target6("REDIRECT", nat_range(nullptr, nullptr, 8080, 8080)))},
                    {Rule6(IPPROTO_TCP, "", snat(nat_range("::1", "::1", 4000, 4000)))}),
        0);
    ASSERT_EQ(connect_to(client, at6("::1", 80)), 0);
    sockaddr_in6 peer{}, original{};
    socklen_t length = sizeof peer;
    const Fd server(::accept(listener, reinterpret_cast<sockaddr*>(&peer), &length));
    EXPECT_EQ(ntohs(peer.sin6_port), 4000);
    EXPECT_EQ(bytes(peer.sin6_addr), bytes(at6("::1", 0).sin6_addr));
    length = sizeof original;
    ASSERT_EQ(::getsockopt(server, SOL_IPV6, SO_ORIGINAL_DST, &original, &length), 0);
    EXPECT_EQ(ntohs(original.sin6_port), 80);
    EXPECT_EQ(original.sin6_family, AF_INET6);
    EXPECT_EQ(bytes(original.sin6_addr), bytes(at6("::1", 0).sin6_addr));
    EXPECT_EQ(answer(::send(client, "x", 1, 0)), 1);
    EXPECT_EQ(poll_now(server, POLLIN, 2000), POLLIN);
  });
}

// ---- on a router

struct Scene {
  Routed network;
  Fd control, sender, receiver;
  Scene()
      : control(::socket(AF_INET, SOCK_DGRAM, 0)), sender(network.in_left(SOCK_DGRAM)), receiver(network.in_right(SOCK_DGRAM)) {
    EXPECT_EQ(bind_to(sender, at("10.0.1.2", 1000)), 0);
    EXPECT_EQ(bind_to(receiver, at("10.0.2.2", 5000)), 0);
  }
};

TEST(NatForward, AMasqueradedHostIsSeenAsTheRouterAndIsAnswered) {
  with_filter([](int) {
    Scene scene;
    Rule4 rule = udp_rule(old_target("MASQUERADE", nat_range(nullptr, nullptr)));
    strcpy(rule.entry.ip.outiface, "east");
    memset(rule.entry.ip.outiface_mask, 0xff, 5);
    ASSERT_EQ(put_nat<V4>(scene.control, {}, {}, {}, {rule}), 0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.2.2", 5000)), 1);
    EXPECT_EQ(next_sender(scene.receiver), "10.0.2.1:1000");
    EXPECT_EQ(send_to(scene.receiver, at("10.0.2.1", 1000)), 1);
    EXPECT_EQ(next_sender(scene.sender), "10.0.2.2:5000");
  });
}

TEST(NatForward, InputChangesWhomAPacketSeemsToComeFrom) {
  with_filter([](int) {
    Scene scene;
    const Fd own = bound(::socket(AF_INET, SOCK_DGRAM, 0), "10.0.1.1", 7000);
    const auto other = snat(nat_range("10.0.1.77", "10.0.1.77", 4000, 4000));
    ASSERT_EQ(put_nat<V4>(scene.control, {}, {udp_rule(other), tcp_rule(other)}, {}, {}), 0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.1.1", 7000)), 1);
    EXPECT_EQ(next_sender(own), "10.0.1.77:4000");
    EXPECT_EQ(send_to(own, at("10.0.1.77", 4000)), 1);
    EXPECT_EQ(next_sender(scene.sender), "10.0.1.1:7000");
    const Fd listener = listening("10.0.1.1", 7001), client = scene.network.in_left(SOCK_STREAM);
    ASSERT_EQ(connect_to(client, at("10.0.1.1", 7001)), 0);
    EXPECT_EQ(peer_of(accepted(listener)), "10.0.1.77:4000");
  });
}

TEST(NatForward, AnErrorComesBackToWhoWasMasqueraded) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(
        put_nat<V4>(scene.control, {}, {}, {}, {udp_rule(old_target("MASQUERADE", nat_range(nullptr, nullptr, 6000, 6000)))}), 0);
    const Fd sender = scene.network.in_left(SOCK_DGRAM);
    ASSERT_EQ(connect_to(sender, at("10.0.2.2", 5999)), 0);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), 1);
    EXPECT_EQ(poll_now(sender, POLLIN, 2000) & POLLERR, POLLERR);
    EXPECT_EQ(answer(::send(sender, "x", 1, 0)), -ECONNREFUSED);
  });
}

TEST(NatForward, WhatComesToTheRouterGoesOnToAHostBehindIt) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(put_nat<V4>(scene.control, {udp_rule(to_address("10.0.2.2", 5000))}, {}, {}, {}), 0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.1.1", 53)), 1);
    EXPECT_EQ(next_sender(scene.receiver), "10.0.1.2:1000");
    EXPECT_EQ(send_to(scene.receiver, at("10.0.1.2", 1000)), 1);
    EXPECT_EQ(next_sender(scene.sender), "10.0.1.1:53");
  });
}

TEST(NatForward, WhatPassesByIsRedirectedToTheRouter) {
  with_filter([](int) {
    Scene scene;
    const Fd own = bound(::socket(AF_INET, SOCK_DGRAM, 0), "10.0.1.1", 7000);
    ASSERT_EQ(put_nat<V4>(scene.control, {udp_rule(old_target("REDIRECT", nat_range(nullptr, nullptr, 7000, 7000)))}, {}, {}, {}),
              0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.2.2", 5000)), 1);
    EXPECT_EQ(next_sender(own), "10.0.1.2:1000");
    EXPECT_EQ(send_to(own, at("10.0.1.2", 1000)), 1);
    EXPECT_EQ(next_sender(scene.sender), "10.0.2.2:5000");
    EXPECT_EQ(next_sender(scene.receiver, 0), "");
  });
}

TEST(NatForward, AProxyLearnsWhereItsClientMeantToGo) {
  with_filter([](int) {
    Scene scene;
    const Fd proxy = listening("0.0.0.0", 7000), client = scene.network.in_left(SOCK_STREAM);
    ASSERT_EQ(put_nat<V4>(scene.control, {tcp_rule(old_target("REDIRECT", nat_range(nullptr, nullptr, 7000, 7000)))}, {}, {}, {}),
              0);
    ASSERT_EQ(connect_to(client, at("10.0.2.2", 80)), 0);
    const Fd server = accepted(proxy);
    EXPECT_EQ(text_of(name_of(server)), "10.0.1.1:7000");
    EXPECT_EQ(original_destination(server), "10.0.2.2:80");
    EXPECT_EQ(peer_of(client), "10.0.2.2:80");
    EXPECT_EQ(answer(::send(server, "page", 4, 0)), 4);
    EXPECT_EQ(poll_now(client, POLLIN, 2000), POLLIN);
  });
}

TEST(NatForward, AHostThatAsksTheRouterForItselfGetsItself) {
  with_filter([](int) {
    Scene scene;
    const Fd own_server = scene.network.in_left(SOCK_DGRAM);
    ASSERT_EQ(bind_to(own_server, at("10.0.1.2", 5000)), 0);
    ASSERT_EQ(put_nat<V4>(scene.control, {udp_rule(to_address("10.0.1.2", 5000))}, {}, {},
                          {udp_rule(old_target("MASQUERADE", nat_range(nullptr, nullptr)))}),
              0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.1.1", 53)), 1);
    EXPECT_EQ(next_sender(own_server), "10.0.1.1:1000");
    EXPECT_EQ(send_to(own_server, at("10.0.1.1", 1000)), 1);
    EXPECT_EQ(next_sender(scene.sender), "10.0.1.1:53");
  });
}

TEST(NatForward, EchoesOfTwoHostsWithOneIdentifierAreToldApart) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(put_nat<V4>(scene.control, {}, {}, {}, {Rule4(old_target("MASQUERADE", nat_range(nullptr, nullptr)))}), 0);
    enter(scene.network.left());
    Route netlink;
    ASSERT_EQ(give_address(netlink, "up", "10.0.1.3", 24), 0);
    const Fd first(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), second(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    ASSERT_EQ(bind_to(first, at("10.0.1.2", 0)), 0);
    ASSERT_EQ(bind_to(second, at("10.0.1.3", 0)), 0);
    enter(scene.network.router());
    // Type 8, identifier 77.
    const std::string echo("\x08\x00\xf7\xb2\x00\x4d\x00\x00", 8);
    const sockaddr_in to = at("10.0.2.2", 0);
    for (const Fd* from : {&first, &second}) {
      EXPECT_EQ(answer(::sendto(*from, echo.data(), echo.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), 8);
      ASSERT_EQ(poll_now(*from, POLLIN, 2000), POLLIN);
      char data[64] = {};
      ASSERT_EQ(answer(::recv(*from, data, sizeof data, 0)), 28);
      EXPECT_EQ(std::string(data + 20, 8), std::string("\x00\x00\xff\xb2\x00\x4d\x00\x00", 8)) << "its own identifier";
    }
    const std::string lines = text_at("/proc/self/net/nf_conntrack");
    EXPECT_NE(lines.find("src=10.0.1.2 dst=10.0.2.2 type=8 code=0 id=77 src=10.0.2.2 dst=10.0.2.1 type=0 code=0 id=77 "),
              std::string::npos)
        << lines;
    EXPECT_NE(lines.find("src=10.0.1.3 dst=10.0.2.2 type=8 code=0 id=77 src=10.0.2.2 dst=10.0.2.1 type=0 code=0 id="),
              std::string::npos);
  });
}

TEST(NatForward, PiecesAreTranslatedAsTheWholeThatTheyAre) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(put_nat<V4>(scene.control, {}, {}, {}, {udp_rule(snat(nat_range("10.0.2.1", "10.0.2.1", 6000, 6000)))}), 0);
    ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost).replace(scene.control), 0);
    EXPECT_EQ(send_to(scene.sender, at("10.0.2.2", 5000), 4000), 4000);
    EXPECT_EQ(next_sender(scene.receiver), "10.0.2.1:6000");
    EXPECT_EQ(Table4::counters(scene.control, "mangle")[0], std::pair(uint64_t{1}, uint64_t{4028})) << "PREROUTING: put together";
  });
}

TEST(NatForward, TcpThroughAMasqueradeEndsAsItShould) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(put_nat<V4>(scene.control, {}, {}, {}, {tcp_rule(old_target("MASQUERADE", nat_range(nullptr, nullptr)))}), 0);
    const Fd listener = scene.network.in_right(SOCK_STREAM), client = scene.network.in_left(SOCK_STREAM);
    ASSERT_EQ(bind_to(listener, at("10.0.2.2", 80)), 0);
    ASSERT_EQ(::listen(listener, 8), 0);
    ASSERT_EQ(connect_to(client, at("10.0.2.2", 80)), 0);
    ASSERT_EQ(poll_now(listener, POLLIN, 2000), POLLIN);
    const Fd server = accepted(listener);
    EXPECT_EQ(peer_of(server).substr(0, 9), "10.0.2.1:");
    const std::string data(100'000, 'd');
    const pid_t child = send_from_child(client, data.size());
    size_t got = 0;
    char part[8192];
    for (ssize_t size; got < data.size() && (size = ::recv(server, part, sizeof part, 0)) > 0;) got += static_cast<size_t>(size);
    EXPECT_EQ(got, data.size());
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    ::shutdown(client, SHUT_RDWR);
    EXPECT_EQ(answer(::recv(server, part, sizeof part, 0)), 0);
    ::shutdown(server, SHUT_RDWR);
    EXPECT_TRUE(soon([] { return text_at("/proc/self/net/nf_conntrack").find(" TIME_WAIT ") != std::string::npos; }))
        << text_at("/proc/self/net/nf_conntrack");
  });
}

}  // namespace
}  // namespace conformance
