// Routes that end, and what listeners hear of routes that come, go and take another's place.
#include <fcntl.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

constexpr unsigned kForEver = 0xffffffff;

struct Asked {
  unsigned metric = 5;
  std::string more;
};

std::string route(unsigned char family, unsigned char length, const std::string& destination, const Asked& asked) {
  rtmsg message{};
  message.rtm_family = family;
  message.rtm_dst_len = length;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = RT_SCOPE_HOST;
  message.rtm_type = RTN_LOCAL;
  return bytes(message) + attribute(RTA_DST, destination) + attribute(RTA_OIF, bytes(1u)) +
         attribute(RTA_PRIORITY, bytes(asked.metric)) + asked.more;
}
std::string route4(const Asked& asked = {}) { return route(AF_INET, 16, ip("10.2.0.0"), asked); }
std::string route6(const Asked& asked = {}) { return route(AF_INET6, 64, ip6("2001:db8:1::"), asked); }
std::string lasting(unsigned seconds) { return route6({.more = attribute(RTA_EXPIRES, bytes(seconds))}); }

// Hundredths of a second that the route to 2001:db8:1:: has left, as a dump says.
struct Left {
  bool is_listed = false;
  int hundredths = 0;
};
Left left(Route& netlink) {
  rtmsg all{};
  all.rtm_family = AF_INET6;
  for (const Message& message : netlink.dump(RTM_GETROUTE, bytes(all))) {
    if (message.find(sizeof(rtmsg), RTA_DST) != ip6("2001:db8:1::")) continue;
    rta_cacheinfo cache{};
    const std::string found = message.find(sizeof(rtmsg), RTA_CACHEINFO);
    memcpy(&cache, found.data(), std::min(sizeof cache, found.size()));
    return {true, cache.rta_expires};
  }
  return {};
}
void expect_left(Route& netlink, int seconds) {
  const Left now = left(netlink);
  EXPECT_TRUE(now.is_listed);
  EXPECT_LE(now.hundredths, seconds * 100);
  EXPECT_GT(now.hundredths, (seconds - 2) * 100);
}

long ask(Route& netlink) {
  rtmsg message{};
  message.rtm_family = AF_INET6;
  message.rtm_dst_len = 128;
  return netlink.request(RTM_GETROUTE, 0, bytes(message) + attribute(RTA_DST, ip6("2001:db8:1::7")));
}

void set_collection(const char* seconds) {
  const int fd = ::open("/proc/sys/net/ipv6/route/gc_interval", O_WRONLY);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::write(fd, seconds, strlen(seconds)), static_cast<ssize_t>(strlen(seconds)));
  ::close(fd);
}

// A socket that hears of routes.
struct Listener {
  Listener() {
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    EXPECT_EQ(::bind(netlink.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  }
  // The next one: NEW or DEL, its flags, and whether it names the request.
  std::string next() {
    const timeval patience{5, 0};
    setsockopt(netlink.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (const Message& message : netlink.receive()) {
      char text[32];
      snprintf(text, sizeof text, "%s %x%s", message.type == RTM_NEWROUTE ? "NEW" : "DEL", unsigned(message.flags),
               message.sequence != 0 ? " asked" : "");
      return text;
    }
    return "nothing";
  }
  Route netlink;
};

TEST(RouteLifetime, IsCountedDownAndChangedByWhoReplacesTheRoute) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, lasting(60)), 0);
    expect_left(netlink, 60);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, lasting(90)), -EEXIST);
    expect_left(netlink, 60);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE, lasting(30)), 0);
    expect_left(netlink, 30);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE, route6()), 0);
    EXPECT_EQ(left(netlink).hundredths, 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE, lasting(kForEver)), 0);
    EXPECT_EQ(left(netlink).hundredths, 0);
    EXPECT_EQ(ask(netlink), 0);
  });
}

TEST(RouteLifetime, WhoAppendsTheSameRouteIsRefusedAndChangesIt) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, lasting(60)), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, lasting(100)), -EEXIST);
    expect_left(netlink, 100);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route6()), -EEXIST);
    EXPECT_EQ(left(netlink).hundredths, 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, lasting(100)), -EEXIST);
    EXPECT_EQ(left(netlink).hundredths, 0) << "a route that does not end is not shortened";
  });
}

TEST(RouteLifetime, ARouteThatHasEndedIsNotFoundAndGoesWithTheNextCollection) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    set_collection("2");
    Listener listener;
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, lasting(1)), 0);
    EXPECT_EQ(listener.next(), "NEW 600 asked");
    EXPECT_EQ(ask(netlink), 0);
    ::usleep(1'200'000);
    EXPECT_EQ(ask(netlink), -ENETUNREACH);
    EXPECT_TRUE(left(netlink).is_listed);
    EXPECT_EQ(listener.next(), "DEL 0");
    EXPECT_FALSE(left(netlink).is_listed);
  });
}

TEST(RouteLifetime, TheEndOfOneThatWasGivenMoreTimeIsPutOff) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    set_collection("1");
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, lasting(1)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE, lasting(60)), 0);
    ::usleep(2'300'000);
    EXPECT_EQ(ask(netlink), 0);
    EXPECT_TRUE(left(netlink).is_listed);
  });
}

TEST(RouteLifetime, IsNotReadForIpv4) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route4({.more = attribute(RTA_EXPIRES, bytes(0u))})), 0);
    rtmsg message{};
    message.rtm_family = AF_INET;
    message.rtm_dst_len = 32;
    EXPECT_EQ(netlink.request(RTM_GETROUTE, 0, bytes(message) + attribute(RTA_DST, ip("10.2.0.7"))), 0);
  });
}

TEST(RouteLifetime, ARefusalDoesNotEnd) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    std::string refusal = lasting(60);
    refusal[offsetof(rtmsg, rtm_type)] = RTN_UNREACHABLE;
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, refusal), 0);
    EXPECT_TRUE(left(netlink).is_listed);
    EXPECT_EQ(left(netlink).hundredths, 0);
  });
}

TEST(RouteNotices, SayHowARouteCameAndWhoAskedForIt) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    Listener listener;
    const std::string preferred = attribute(RTA_PREFSRC, ip("127.0.0.1"));
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.1.0.1", 32)), 0);
    EXPECT_EQ(listener.next(), "NEW 600") << "the address brings it, nobody asked";
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, route4()), 0);
    EXPECT_EQ(listener.next(), "NEW 600 asked");
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route4({.more = preferred})), 0);
    EXPECT_EQ(listener.next(), "NEW 100 asked") << "and nothing of the one it replaced";
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route4()), 0);
    EXPECT_EQ(listener.next(), "NEW c00 asked");
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE, route4()), -EEXIST);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE, route4({.more = attribute(RTA_PREFSRC, ip("10.1.0.1"))})), 0);
    EXPECT_EQ(listener.next(), "NEW 400 asked");
    ASSERT_EQ(netlink.request(RTM_DELROUTE, 0, route4()), 0);
    EXPECT_EQ(listener.next(), "DEL 0 asked");
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6()), 0);
    EXPECT_EQ(listener.next(), "NEW 600 asked");
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE, lasting(60)), 0);
    EXPECT_EQ(listener.next(), "NEW 100 asked");
  });
}

TEST(RouteOrder, WithoutAppendingAnIpv4RouteComesBeforeItsEquals) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.1.0.1", 32)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.1.0.2", 32)), 0);
    const auto from = [](const char* text) { return route4({.more = attribute(RTA_PREFSRC, ip(text))}); };
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, from("127.0.0.1")), 0);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, from("10.1.0.1")), 0);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_CREATE, from("10.1.0.2")), 0);
    std::vector<std::string> order;
    rtmsg all{};
    all.rtm_family = AF_INET;
    for (const Message& message : netlink.dump(RTM_GETROUTE, bytes(all))) {
      if (message.find(sizeof(rtmsg), RTA_DST) == ip("10.2.0.0")) order.push_back(message.find(sizeof(rtmsg), RTA_PREFSRC));
    }
    EXPECT_EQ(order, (std::vector<std::string>{ip("10.1.0.2"), ip("127.0.0.1"), ip("10.1.0.1")}));
  });
}

}  // namespace
}  // namespace conformance
