// Pairs of interfaces: made, moved, used and removed.
#include "tests/conformance/devices/links.hh"

namespace conformance {
namespace {

TEST(Veth, APairIsMadeWithBothEndsDownAndWithoutCarrier) {
  in_new_network([] {
    Route netlink;
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("left", named("right"))), 0);
    const Message left = show(netlink, "left"), right = show(netlink, "right");
    // The peer comes first.
    EXPECT_EQ(right.as<ifinfomsg>().ifi_index, 2);
    EXPECT_EQ(left.as<ifinfomsg>().ifi_index, 3);
    EXPECT_EQ(flags_of(left), unsigned{IFF_BROADCAST | IFF_MULTICAST});
    EXPECT_EQ(left.as<ifinfomsg>().ifi_type, 1);
    EXPECT_EQ(of(left, IFLA_LINK), bytes(2u));
    EXPECT_EQ(of(right, IFLA_LINK), bytes(3u));
    EXPECT_EQ(of(left, IFLA_LINK_NETNSID), "");
    EXPECT_EQ(of(left, IFLA_MTU), bytes(1500u));
    EXPECT_EQ(of(left, IFLA_MIN_MTU), bytes(68u));
    EXPECT_EQ(of(left, IFLA_MAX_MTU), bytes(65535u));
    EXPECT_EQ(of(left, IFLA_TXQLEN), bytes(1000u));
    EXPECT_EQ(of(left, IFLA_CARRIER), std::string(1, 0));
    EXPECT_EQ(of(left, IFLA_OPERSTATE), std::string(1, 2));
    EXPECT_EQ(of(left, IFLA_LINKINFO).substr(0, 9), text_attribute(IFLA_INFO_KIND, "veth").substr(0, 9));
    const std::string mac = of(left, IFLA_ADDRESS);
    ASSERT_EQ(mac.size(), 6u);
    EXPECT_EQ(mac[0] & 3, 2) << "local and of one";
    EXPECT_NE(mac, of(right, IFLA_ADDRESS));
  });
}

TEST(Veth, CarrierIsThereWhileBothEndsAreUp) {
  in_new_network([] {
    Route netlink;
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("left", named("right"))), 0);
    ASSERT_EQ(set_up(netlink, "left"), 0);
    EXPECT_EQ(flags_of(show(netlink, "left")) & (IFF_UP | IFF_RUNNING | kLowerUp), unsigned{IFF_UP});
    EXPECT_TRUE(soon([&] { return of(show(netlink, "left"), IFLA_OPERSTATE) == std::string(1, 3); })) << "LOWERLAYERDOWN";
    ASSERT_EQ(set_up(netlink, "right"), 0);
    const unsigned all = IFF_UP | IFF_RUNNING | kLowerUp;
    for (const char* end : {"left", "right"}) {
      EXPECT_TRUE(soon([&] { return (flags_of(show(netlink, end)) & all) == all; })) << end;
      EXPECT_TRUE(soon([&] { return of(show(netlink, end), IFLA_OPERSTATE) == std::string(1, 6); })) << end;
    }
    ASSERT_EQ(set_up(netlink, "right", 0), 0);
    EXPECT_TRUE(soon([&] { return (flags_of(show(netlink, "left")) & all) == IFF_UP; }));
    EXPECT_EQ(of(show(netlink, "right"), IFLA_OPERSTATE), std::string(1, 2));
  });
}

TEST(Veth, WhatIsAskedOfEitherEndIsDone) {
  in_new_network([] {
    Route netlink;
    const std::string mac1("\x02\0\0\0\0\x11", 6), mac2("\x02\0\0\0\0\x22", 6);
    const std::string peer = named("right") + attribute(IFLA_ADDRESS, mac2) + attribute(IFLA_MTU, bytes(1300u));
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew,
                              link(0, IFF_UP, IFF_UP) + named("left") + attribute(IFLA_ADDRESS, mac1) +
                                  attribute(IFLA_TXQLEN, bytes(7u)) +
                                  kind("veth", attribute(VETH_INFO_PEER, link(0, IFF_NOARP, IFF_NOARP) + peer))),
              0);
    const Message left = show(netlink, "left"), right = show(netlink, "right");
    EXPECT_EQ(of(left, IFLA_ADDRESS), mac1);
    EXPECT_EQ(of(right, IFLA_ADDRESS), mac2);
    EXPECT_EQ(of(left, IFLA_MTU), bytes(1500u));
    EXPECT_EQ(of(left, IFLA_TXQLEN), bytes(7u));
    EXPECT_EQ(of(right, IFLA_MTU), bytes(1300u));
    EXPECT_EQ(flags_of(left) & IFF_UP, unsigned{IFF_UP});
    EXPECT_EQ(flags_of(right) & (IFF_UP | IFF_NOARP), unsigned{IFF_NOARP});
  });
}

TEST(Veth, NamesAreFoundWhereNoneAreGiven) {
  in_new_network([] {
    Route netlink;
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, link(0) + kind("veth")), 0);
    EXPECT_EQ(index_of("veth0"), 2u);
    EXPECT_EQ(index_of("veth1"), 3u);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, link(0) + named("pair%d") + kind("veth")), 0);
    EXPECT_EQ(index_of("veth2"), 4u);
    EXPECT_EQ(index_of("pair0"), 5u);
    ASSERT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("veth0")), 0);
    EXPECT_EQ(index_of("veth1"), 0u) << "the peer goes too";
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, link(0) + kind("veth")), 0);
    EXPECT_EQ(index_of("veth0"), 6u) << "names are given again, indexes not yet";
    EXPECT_EQ(index_of("veth1"), 7u);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, link(40) + named("forty") + kind("veth")), 0);
    EXPECT_EQ(index_of("forty"), 40u);
  });
}

TEST(Veth, WhatCannotBeMadeIsRefusedAndLeavesNothing) {
  in_new_network([] {
    Route netlink;
    const auto refuse = [&](long error, const std::string& body, int flags = kNew) {
      EXPECT_EQ(netlink.request(RTM_NEWLINK, flags, body), error) << body.size();
    };
    const std::string peer = named("right");
    refuse(-EEXIST, veth("lo", peer));
    refuse(-EEXIST, veth("left", named("lo")));
    refuse(-EINVAL, veth("a/b", peer));
    refuse(-EINVAL, veth("left", named("a/b")));
    refuse(-ERANGE, veth("sixteencharacter", peer));
    refuse(-EEXIST, veth("same", named("same")));
    refuse(-EINVAL, veth("left", peer + attribute(IFLA_MTU, bytes(67u))));
    refuse(-EINVAL, veth("left", peer) + attribute(IFLA_MTU, bytes(65536u)));
    refuse(-EINVAL, veth("left", peer + attribute(IFLA_ADDRESS, std::string(5, 2))));
    refuse(-EADDRNOTAVAIL, veth("left", peer + attribute(IFLA_ADDRESS, std::string(6, 1))));
    refuse(-EADDRNOTAVAIL, veth("left", peer) + attribute(IFLA_ADDRESS, std::string(6, 0)));
    refuse(-ERANGE, veth("left", peer) + attribute(IFLA_MTU, "x"));
    refuse(-EINVAL, veth("left", peer) + attribute(IFLA_NUM_TX_QUEUES, bytes(0u)));
    refuse(-EINVAL, veth("left", peer) + attribute(IFLA_MASTER, bytes(4711u)));
    refuse(-EBADF, veth("left", peer + attribute(IFLA_NET_NS_FD, bytes(900))));
    refuse(-EINVAL, veth("left", peer + attribute(IFLA_NET_NS_FD, bytes(netlink.fd()))));
    refuse(-ESRCH, veth("left", peer + attribute(IFLA_NET_NS_PID, bytes(0x3ffffff))));
    refuse(-ESRCH, veth("left", peer) + attribute(IFLA_NET_NS_PID, bytes(0x3ffffff)));
    refuse(-EINVAL, veth("left", peer) + attribute(IFLA_NET_NS_PID, bytes(getpid())) + attribute(IFLA_NET_NS_FD, bytes(0)));
    refuse(-ENOTCONN, veth("left", peer, IFF_UP));  // it would come up before its other end is there
    refuse(-EOPNOTSUPP, link(0) + named("left") + kind("nosuchkind"));
    refuse(-EOPNOTSUPP, link(0) + named("left") + kind("tun"));
    refuse(-EOPNOTSUPP, link(0) + named("left"));
    refuse(-EINVAL, link(-1) + named("left") + kind("veth"));
    refuse(-ENODEV, veth("left", peer), 0);
    refuse(-ENODEV, veth("left", peer), NLM_F_REPLACE);
    EXPECT_EQ(netlink.dump(RTM_GETLINK, link(0)).size(), 1u) << "lo alone";
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("left", peer)), 0);
    refuse(-EEXIST, veth("left", named("other")));
    refuse(-EOPNOTSUPP, veth("left", named("other")), NLM_F_CREATE | NLM_F_REPLACE);
    refuse(-EOPNOTSUPP, veth("left", named("other")), NLM_F_CREATE);
    refuse(0, link(0) + named("left") + kind("veth"), NLM_F_CREATE);
    refuse(-EEXIST, veth("new", named("right")));
    EXPECT_EQ(index_of("new"), 0u);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(1)), -EOPNOTSUPP);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0)), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("absent")), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("left") + attribute(IFLA_NET_NS_PID, bytes(getpid()))),
              -EOPNOTSUPP);
  });
}

TEST(Veth, OnlyTheAdministratorMakesAndRemovesLinks) {
  in_new_network([] {
    Route before;
    ASSERT_EQ(before.request(RTM_NEWLINK, kNew, veth("left", named("right"))), 0);
    ASSERT_EQ(setresuid(65534, 65534, 65534), 0);
    Route netlink;
    EXPECT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("a", named("b"))), -EPERM);
    EXPECT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("lo", named("b"))), -EPERM);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("left")), -EPERM);
    EXPECT_EQ(netlink.request(RTM_SETLINK, 0, link(2, IFF_UP, IFF_UP)), -EPERM);
  });
}

TEST(Veth, AnEndIsMadeInAnotherNamespaceAndKnowsWhereItsPeerIs) {
  in_new_network([] {
    Namespaces both;
    Route here;
    ASSERT_EQ(here.request(RTM_NEWLINK, kNew, veth("left", named("right") + both.in_second())), 0);
    EXPECT_EQ(index_of("right"), 0u);
    const Message left = show(here, "left");
    EXPECT_EQ(of(left, IFLA_LINK), bytes(2u)) << "the index there, though it is the same here";
    EXPECT_EQ(of(left, IFLA_LINK_NETNSID), bytes(0));
    both.enter_second();
    Route there;
    const Message right = show(there, "right");
    EXPECT_EQ(right.as<ifinfomsg>().ifi_index, 2);
    EXPECT_EQ(of(right, IFLA_LINK_NETNSID), bytes(0));
    EXPECT_EQ(there.request(RTM_DELLINK, 0, link(0) + named("right")), 0);
    EXPECT_EQ(here.request(RTM_GETLINK, 0, link(0) + named("left")), -ENODEV) << "gone there too";
  });
}

TEST(Veth, ALinkMovesWithItsNameAndIndexUnlessTheyAreTaken) {
  in_new_network([] {
    Namespaces both;
    Route here;
    ASSERT_EQ(here.request(RTM_NEWLINK, kNew, veth("left", named("right"))), 0);
    ASSERT_EQ(set_up(here, "right"), 0);
    ASSERT_EQ(give_address(here, "right", "10.1.1.1", 24), 0);
    const std::string mac = of(show(here, "right"), IFLA_ADDRESS);
    ASSERT_EQ(here.request(RTM_NEWLINK, 0, link(2) + attribute(IFLA_MTU, bytes(1234u))), 0);
    ASSERT_EQ(here.request(RTM_NEWLINK, 0, link(2) + both.in_second()), 0);
    EXPECT_EQ(here.request(RTM_GETLINK, 0, link(2)), -ENODEV);
    both.enter_second();
    Route there;
    const Message right = show(there, "right");
    EXPECT_EQ(right.as<ifinfomsg>().ifi_index, 2);
    EXPECT_EQ(flags_of(right) & IFF_UP, 0u) << "down";
    EXPECT_EQ(of(right, IFLA_ADDRESS), mac);
    EXPECT_EQ(of(right, IFLA_MTU), bytes(1234u));
    ifaddrmsg all{};
    all.ifa_family = AF_INET;
    EXPECT_EQ(there.dump(RTM_GETADDR, bytes(all)).size(), 0u) << "without addresses";
    // To a namespace that has the name: refused, or given the one that is asked for.
    ASSERT_EQ(there.request(RTM_NEWLINK, kNew, veth("left", named("aside"))), 0);
    EXPECT_EQ(here.request(RTM_SETLINK, 0, link(0) + named("left") + attribute(IFLA_NET_NS_FD, bytes(both.second()))), -EEXIST);
    EXPECT_EQ(here.request(RTM_SETLINK, 0, link(3) + attribute(IFLA_NET_NS_FD, bytes(both.second()))), -EEXIST);
    EXPECT_EQ(here.request(RTM_SETLINK, 0, link(3) + named("moved") + attribute(IFLA_NET_NS_FD, bytes(both.second()))), 0);
    EXPECT_NE(index_of("moved"), 3u) << "there it was taken";
    EXPECT_NE(index_of("moved"), 0u);
    EXPECT_EQ(here.request(RTM_SETLINK, 0, link(1) + attribute(IFLA_NET_NS_FD, bytes(both.second()))), -EINVAL) << "lo";
    EXPECT_EQ(here.request(RTM_SETLINK, 0, link(3) + both.in_second()), -ENODEV);
  });
}

TEST(Veth, ALinkMovesToTheNamespaceOfAProcess) {
  in_new_network([] {
    Route netlink;
    int ready[2], done[2];
    ASSERT_EQ(pipe(ready) | pipe(done), 0);
    const pid_t child = fork();
    if (child == 0) {
      char byte = 0;
      if (unshare(CLONE_NEWNET) != 0 || ::write(ready[1], "r", 1) != 1 || ::read(done[0], &byte, 1) != 1) _exit(1);
      _exit(if_nametoindex("inside") == 0 ? 2 : 0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("out", named("inside") + attribute(IFLA_NET_NS_PID, bytes(child)))), 0);
    ASSERT_EQ(::write(done[1], "d", 1), 1);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  });
}

// A pair from here, 10.7.0.1, to there, 10.7.0.2.
void join(Namespaces& both, Route& here) {
  ASSERT_EQ(here.request(RTM_NEWLINK, kNew, veth("left", named("right") + both.in_second())), 0);
  ASSERT_EQ(give_address(here, "left", "10.7.0.1", 24), 0);
  ASSERT_EQ(set_up(here, "left"), 0);
  both.enter_second();
  Route there;
  ASSERT_EQ(give_address(there, "right", "10.7.0.2", 24), 0);
  ASSERT_EQ(set_up(there, "right"), 0);
  both.enter_first();
}
sockaddr_in at(const char* text, uint16_t port) {
  sockaddr_in address = loopback4(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

TEST(Veth, TcpCrossesNamespacesAndASocketStaysInItsOwn) {
  in_new_network([] {
    Namespaces both;
    Route here;
    join(both, here);
    both.enter_second();
    Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in server = at("10.7.0.2", 5000);
    ASSERT_EQ(answer(::bind(listener, reinterpret_cast<const sockaddr*>(&server), sizeof server)), 0);
    ASSERT_EQ(answer(::listen(listener, 4)), 0);
    both.enter_first();
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(answer(::bind(client, reinterpret_cast<const sockaddr*>(&server), sizeof server)), -EADDRNOTAVAIL);
    ASSERT_EQ(answer(::connect(client, reinterpret_cast<const sockaddr*>(&server), sizeof server)), 0);
    Fd accepted(::accept(listener, nullptr, nullptr));
    ASSERT_GE(accepted.get(), 0) << "the listener is of the other namespace, whoever uses it";
    // More than a queue of frames, both ways at once.
    const std::string sent(3 << 20, 'v');
    const pid_t child = fork();
    if (child == 0) {
      size_t left = sent.size();
      std::string buffer(65536, 0);
      while (left > 0) {
        const ssize_t got = ::recv(accepted, buffer.data(), buffer.size(), 0);
        if (got <= 0 || ::send(accepted, buffer.data(), static_cast<size_t>(got), 0) != got) _exit(1);
        left -= static_cast<size_t>(got);
      }
      _exit(0);
    }
    size_t written = 0, read = 0;
    std::string buffer(65536, 0);
    while (read < sent.size()) {
      pollfd wait{client.get(), static_cast<short>(POLLIN | (written < sent.size() ? POLLOUT : 0)), 0};
      ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
      if ((wait.revents & POLLOUT) != 0) {
        const ssize_t put = ::send(client, sent.data() + written, sent.size() - written, MSG_DONTWAIT);
        if (put > 0) written += static_cast<size_t>(put);
      }
      if ((wait.revents & POLLIN) != 0) {
        const ssize_t got = ::recv(client, buffer.data(), buffer.size(), 0);
        ASSERT_GT(got, 0);
        read += static_cast<size_t>(got);
      }
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    const std::string counted = of(show(here, "left"), IFLA_STATS64);
    uint64_t received_bytes = 0;
    memcpy(&received_bytes, counted.data() + 16, sizeof received_bytes);
    EXPECT_GT(received_bytes, sent.size());
  });
}

TEST(Veth, DatagramsCrossWithinOneCall) {
  in_new_network([] {
    Namespaces both;
    Route here;
    join(both, here);
    both.enter_second();
    Fd there(::socket(AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in to = at("10.7.0.2", 5001);
    ASSERT_EQ(answer(::bind(there, reinterpret_cast<const sockaddr*>(&to), sizeof to)), 0);
    both.enter_first();
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    const std::string large(9000, 'd');  // in fragments
    for (const std::string& payload : {std::string("x"), large, std::string()}) {
      ASSERT_EQ(::sendto(udp, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
                static_cast<ssize_t>(payload.size()));
      char buffer[10000];
      pollfd wait{there.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&wait, 1, 5000), 1);
      EXPECT_EQ(::recv(there, buffer, sizeof buffer, 0), static_cast<ssize_t>(payload.size()));
    }
    // Nobody listens: what comes back is an error of the other namespace's.
    const sockaddr_in closed = at("10.7.0.2", 5999);
    ASSERT_EQ(answer(::connect(udp, reinterpret_cast<const sockaddr*>(&closed), sizeof closed)), 0);
    ASSERT_EQ(::send(udp, "x", 1, 0), 1);
    pollfd wait{udp.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 5000), 1);
    EXPECT_EQ(answer(::recv(udp, &wait, 1, 0)), -ECONNREFUSED);
  });
}

TEST(Veth, WhatGoesThroughARouterIsWhole) {
  in_new_network([] {
    Namespaces near, far;  // here is the router's first; near.second() and far.second() are the ends
    Route router;
    near.enter_first();
    ASSERT_EQ(router.request(RTM_NEWLINK, kNew, veth("r1", named("e1") + near.in_second())), 0);
    ASSERT_EQ(router.request(RTM_NEWLINK, kNew, veth("r2", named("e2") + far.in_second())), 0);
    ASSERT_EQ(give_address(router, "r1", "10.1.0.1", 24) | give_address(router, "r2", "10.2.0.1", 24), 0);
    ASSERT_EQ(set_up(router, "r1") | set_up(router, "r2"), 0);
    Fd forwards(::open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::write(forwards, "1", 1), 1);
    const auto set_up_end = [](const char* name, const char* own, const char* gateway) {
      Route end;
      ASSERT_EQ(give_address(end, name, own, 24) | set_up(end, name), 0);
      rtmsg message{};
      message.rtm_family = AF_INET;
      message.rtm_table = RT_TABLE_MAIN;
      message.rtm_protocol = RTPROT_STATIC;
      message.rtm_type = RTN_UNICAST;
      ASSERT_EQ(end.request(RTM_NEWROUTE, kNew, bytes(message) + attribute(RTA_GATEWAY, ip(gateway))), 0);
    };
    far.enter_second();
    set_up_end("e2", "10.2.0.2", "10.2.0.1");
    Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), udp_far(::socket(AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in server = at("10.2.0.2", 5000);
    ASSERT_EQ(answer(::bind(listener, reinterpret_cast<const sockaddr*>(&server), sizeof server)), 0);
    ASSERT_EQ(answer(::bind(udp_far, reinterpret_cast<const sockaddr*>(&server), sizeof server)), 0);
    ASSERT_EQ(answer(::listen(listener, 1)), 0);
    near.enter_second();
    set_up_end("e1", "10.1.0.2", "10.1.0.1");
    Fd client(::socket(AF_INET, SOCK_STREAM, 0)), udp(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(answer(::connect(client, reinterpret_cast<const sockaddr*>(&server), sizeof server)), 0);
    Fd accepted(::accept(listener, nullptr, nullptr));
    const pid_t sender = send_from_child(client, 2 << 20);
    size_t received = 0;
    std::string buffer(65536, 0);
    while (received < 2 << 20) {
      pollfd wait{accepted.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&wait, 1, 10'000), 1) << received;
      const ssize_t got = ::recv(accepted, buffer.data(), buffer.size(), 0);
      ASSERT_GT(got, 0);
      received += static_cast<size_t>(got);
    }
    int status = 0;
    waitpid(sender, &status, 0);
    EXPECT_EQ(status, 0);
    for (size_t size : {1u, 1472u, 5000u}) {
      ASSERT_EQ(::sendto(udp, buffer.data(), size, 0, reinterpret_cast<const sockaddr*>(&server), sizeof server),
                static_cast<ssize_t>(size));
      pollfd wait{udp_far.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&wait, 1, 5000), 1) << size;
      EXPECT_EQ(::recv(udp_far, buffer.data(), buffer.size(), 0), static_cast<ssize_t>(size));
    }
  });
}

TEST(Veth, GroupsHearOfLinksThatComeMoveAndGo) {
  in_new_network([] {
    Namespaces both;
    Route here;
    Route listener;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    ASSERT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const auto heard = [&] {
      std::vector<std::string> all;
      for (;;) {
        const auto messages = listener.receive(MSG_DONTWAIT);
        if (messages.empty()) return all;
        for (const Message& message : messages) {
          if (message.as<ifinfomsg>().ifi_family != AF_UNSPEC) continue;
          const std::string what = (message.type == RTM_NEWLINK ? "+" : "-") + message.link_name();
          if (all.empty() || all.back() != what) all.push_back(what);
        }
      }
    };
    ASSERT_EQ(here.request(RTM_NEWLINK, kNew, veth("left", named("right"))), 0);
    EXPECT_EQ(heard(), (std::vector<std::string>{"+right", "+left"}));
    ASSERT_EQ(here.request(RTM_SETLINK, 0, link(3) + named("renamed")), 0);
    EXPECT_EQ(heard(), (std::vector<std::string>{"+renamed"}));
    ASSERT_EQ(here.request(RTM_SETLINK, 0, link(2) + both.in_second()), 0);
    EXPECT_EQ(heard(), (std::vector<std::string>{"-right"}));
    ASSERT_EQ(here.request(RTM_DELLINK, 0, link(3)), 0);
    EXPECT_EQ(heard(), (std::vector<std::string>{"-renamed"}));
  });
}

TEST(Veth, ADummyHasAddressesAndSwallowsWhatItIsSent) {
  in_new_network([] {
    Route netlink;
    const long made = netlink.request(RTM_NEWLINK, kNew, link(0) + kind("dummy"));
    if (made == -EOPNOTSUPP) return;  // a kernel without it
    ASSERT_EQ(made, 0);
    ASSERT_EQ(set_up(netlink, "dummy0"), 0);
    const Message dummy = show(netlink, "dummy0");
    EXPECT_EQ(flags_of(dummy), unsigned{IFF_UP | IFF_BROADCAST | IFF_NOARP | IFF_RUNNING | kLowerUp});
    EXPECT_EQ(of(dummy, IFLA_OPERSTATE), std::string(1, 0));
    EXPECT_EQ(of(dummy, IFLA_MAX_MTU), bytes(0u));
    ASSERT_EQ(give_address(netlink, "dummy0", "10.8.0.1", 24), 0);
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in nobody = at("10.8.0.2", 9);
    EXPECT_EQ(::sendto(udp, "x", 1, 0, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody), 1);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("dummy0")), 0);
  });
}

}  // namespace
}  // namespace conformance
