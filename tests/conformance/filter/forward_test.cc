// A router that filters.
#include <linux/fib_rules.h>

#include "tests/conformance/filter/router.hh"

namespace conformance {
namespace {

constexpr int kPre = NF_INET_PRE_ROUTING, kIn = NF_INET_LOCAL_IN, kForward = NF_INET_FORWARD, kOut = NF_INET_LOCAL_OUT,
              kPost = NF_INET_POST_ROUTING;

struct Scene {
  Routed network;
  Fd sender, receiver, control;
  Scene()
      : sender(network.in_left(SOCK_DGRAM)), receiver(network.in_right(SOCK_DGRAM)), control(::socket(AF_INET, SOCK_DGRAM, 0)) {
    EXPECT_EQ(bind_to(receiver, at("10.0.2.2", 5000)), 0);
    EXPECT_EQ(connect_to(sender, at("10.0.2.2", 5000)), 0);
  }
  long send(size_t size = 10) {
    const std::string data(size, 'x');
    return answer(::send(sender, data.data(), data.size(), 0));
  }
  bool arrives() {
    if (poll_now(receiver, POLLIN, 2000) != POLLIN) return false;
    char data[4096];
    return ::recv(receiver, data, sizeof data, 0) > 0;
  }
};

TEST(FilterForward, CountsWhatItLetsPass) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(scene.control), 0);
    ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost).replace(scene.control), 0);
    EXPECT_EQ(scene.send(), 10);
    EXPECT_TRUE(scene.arrives());
    const std::pair<uint64_t, uint64_t> one{1, 38}, none{0, 0};
    EXPECT_EQ(Table4::counters(scene.control, "filter"), Counts({none, one, none, none}));
    EXPECT_EQ(Table4::counters(scene.control, "mangle"), Counts({one, none, one, none, one, none}));
  });
}

TEST(FilterForward, BothInterfacesAreKnown) {
  with_filter([](int) {
    Scene scene;
    for (const char* way : {"west", "east"}) {
      Rule4 rule(verdict(kDrop));
      V4::set_input(rule.entry, way);
      strcpy(rule.entry.ip.outiface, "east");
      memset(rule.entry.ip.outiface_mask, 0xff, 5);
      ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward, {rule}).hook(kOut).replace(scene.control), 0);
      EXPECT_EQ(scene.send(), 10);
      const bool drops = strcmp(way, "west") == 0;
      EXPECT_TRUE(drops || scene.arrives());
      EXPECT_TRUE(soon([&] { return Table4::counters(scene.control, "filter")[1].first == (drops ? 1u : 0u); })) << way;
    }
    EXPECT_EQ(poll_now(scene.receiver, POLLIN), 0) << "what was dropped did not arrive";
  });
}

TEST(FilterForward, WhatIsRefusedIsAnsweredByTheRouter) {
  with_filter([](int) {
    Scene scene;
    const int on = 1;
    ::setsockopt(scene.sender, SOL_IP, IP_RECVERR, &on, sizeof on);
    ASSERT_EQ(Table4("filter")
                  .hook(kIn)
                  .hook(kForward, {Rule4(IPPROTO_UDP, "", reject(IPT_ICMP_ADMIN_PROHIBITED))})
                  .hook(kOut)
                  .replace(scene.control),
              0);
    EXPECT_EQ(scene.send(), 10);
    EXPECT_EQ(poll_now(scene.sender, POLLIN, 5000), POLLERR);
    EXPECT_EQ(scene.send(), -EHOSTUNREACH);
    EXPECT_EQ(Table4::counters(scene.control, "filter")[1], std::pair(uint64_t{1}, uint64_t{38}));
    EXPECT_EQ(Table4::counters(scene.control, "filter")[3].first, 1u) << "the answer passes OUTPUT";
  });
}

TEST(FilterForward, AResetComesInTheNameOfWhoWasAddressed) {
  with_filter([](int) {
    Scene scene;
    const Fd client = scene.network.in_left(SOCK_STREAM);
    ASSERT_EQ(Table4("filter")
                  .hook(kIn)
                  .hook(kForward, {Rule4(IPPROTO_TCP, "", reject(IPT_TCP_RESET))})
                  .hook(kOut)
                  .replace(scene.control),
              0);
    EXPECT_EQ(connect_to(client, at("10.0.2.2", 5001)), -ECONNREFUSED);
  });
}

TEST(FilterForward, RawDropsBeforeAnythingIsRouted) {
  with_filter([](int) {
    Scene scene;
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(scene.control), 0);
    ASSERT_EQ(Table4("raw").hook(kPre, {Rule4(IPPROTO_UDP, "", verdict(kDrop))}).hook(kOut).replace(scene.control), 0);
    EXPECT_EQ(scene.send(), 10);
    EXPECT_TRUE(soon([&] { return Table4::counters(scene.control, "raw")[0].first == 1; }));
    EXPECT_EQ(Table4::counters(scene.control, "filter")[1].first, 0u);
  });
}

TEST(FilterForward, AMarkOfOursChoosesAnotherRoute) {
  with_filter([](int) {
    Scene scene;
    Route netlink;
    // What is marked 9 has no way out.
    fib_rule_hdr rule{};
    rule.family = AF_INET;
    rule.action = FR_ACT_UNREACHABLE;
    ASSERT_EQ(
        netlink.request(RTM_NEWRULE, kNew, bytes(rule) + attribute(FRA_FWMARK, bytes(9u)) + attribute(FRA_PRIORITY, bytes(100u))),
        0);
    const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in to = at("10.0.2.2", 5000);
    const auto send = [&] { return answer(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)); };
    EXPECT_EQ(send(), 1);
    ASSERT_EQ(
        Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut, {Rule4(set_mark(9))}).hook(kPost).replace(scene.control),
        0);
    EXPECT_EQ(send(), -ENETUNREACH);
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {Rule4(set_mark(9))}).replace(scene.control), 0);
    ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost).replace(scene.control), 0);
    EXPECT_EQ(send(), 1) << "only mangle routes anew";
  });
}

TEST(FilterForward, WhatComesBackOfAGroupsDatagramPassesPostroutingToo) {
  with_filter([](int) {
    Scene scene;
    const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(receiver, at("0.0.0.0", 5000)), 0);
    ip_mreqn group{};
    inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
    group.imr_ifindex = static_cast<int>(index_of("west"));
    ASSERT_EQ(::setsockopt(receiver, SOL_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    ASSERT_EQ(::setsockopt(sender, SOL_IP, IP_MULTICAST_IF, &group, sizeof group), 0);
    const auto put = [&](const std::vector<Rule4>& rules) {
      return Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost, rules).replace(scene.control);
    };
    const sockaddr_in to = at("239.1.2.3", 5000);
    const auto send = [&] { return answer(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)); };
    // IGMP's reports are none of ours here.
    ASSERT_EQ(put({Rule4(IPPROTO_UDP, "", verdict(kAccept))}), 0);
    EXPECT_EQ(send(), 1);
    EXPECT_EQ(poll_now(receiver, POLLIN, 2000), POLLIN);
    EXPECT_EQ(Table4::counters(scene.control, "mangle")[4], std::pair(uint64_t{2}, uint64_t{58}));
    char data[8];
    ::recv(receiver, data, sizeof data, 0);
    ASSERT_EQ(put({Rule4(IPPROTO_UDP, "", verdict(kDrop))}), 0);
    EXPECT_EQ(send(), -EPERM);
    EXPECT_EQ(poll_now(receiver, POLLIN), 0);
  });
}

}  // namespace
}  // namespace conformance
