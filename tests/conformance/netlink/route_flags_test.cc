// What a request to change a route says beside the route: its flags, and which of several it means.
#include <linux/netlink.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

struct Asked {
  unsigned char protocol = RTPROT_STATIC, scope = RT_SCOPE_LINK;
  unsigned metric = 5;
};

std::string route(unsigned char family, unsigned char length, const std::string& destination, const Asked& asked) {
  rtmsg message{};
  message.rtm_family = family;
  message.rtm_dst_len = length;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = asked.protocol;
  message.rtm_scope = asked.scope;
  message.rtm_type = RTN_UNICAST;
  return bytes(message) + attribute(RTA_DST, destination) + attribute(RTA_OIF, bytes(1u)) +
         attribute(RTA_PRIORITY, bytes(asked.metric));
}
std::string route4(const char* destination, const Asked& asked = {}) { return route(AF_INET, 16, ip(destination), asked); }
std::string route6(const char* destination, const Asked& asked = {}) { return route(AF_INET6, 64, ip6(destination), asked); }

constexpr int kChange = NLM_F_REPLACE, kPut = NLM_F_REPLACE | NLM_F_CREATE;

TEST(NetlinkRouteFlags, WithoutCreateARouteOnlyTakesAnothersPlace) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route4("10.2.0.0")), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, 0, route4("10.2.0.0")), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_APPEND, route4("10.2.0.0")), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_EXCL, route4("10.2.0.0")), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route4("10.2.0.0")), -ESRCH);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kPut, route4("10.2.0.0")), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_EXCL, route4("10.2.0.0")), -EEXIST);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, 0, route4("10.2.0.0")), -EEXIST);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route4("10.2.0.0", {.protocol = RTPROT_BOOT})), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route4("10.2.0.0", {.metric = 6})), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route4("10.2.0.0", {.protocol = RTPROT_BOOT})), 0);
  });
}

TEST(NetlinkRouteFlags, OfIpv6OnlyWhoReplacesMustFindOne) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route6("2001:db8:1::")), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, 0, route6("2001:db8:1::")), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route6("2001:db8:1::", {.protocol = RTPROT_BOOT})), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kChange, route6("2001:db8:1::", {.metric = 6})), -ENOENT);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kPut, route6("2001:db8:1::", {.metric = 6})), 0);
  });
}

TEST(NetlinkRouteFlags, ARouteIsRemovedByWhoNamesItsMakerAndScope) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    for (const bool is_v4 : {true, false}) {
      const auto route = [&](const Asked& asked) { return is_v4 ? route4("10.2.0.0", asked) : route6("2001:db8:1::", asked); };
      EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route({.metric = 1})), 0);
      EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route({.metric = 2})), 0);
      EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route({.metric = 3})), 0);
      EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route({.protocol = RTPROT_BOOT, .metric = 1})), -ESRCH) << is_v4;
      EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route({.protocol = RTPROT_UNSPEC, .metric = 1})), 0) << is_v4;
      // A scope of IPv6's routes is nothing that Linux keeps.
      EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route({.scope = RT_SCOPE_UNIVERSE, .metric = 2})), is_v4 ? -ESRCH : 0);
      EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route({.scope = RT_SCOPE_NOWHERE, .metric = 2})), is_v4 ? 0 : -ESRCH);
      EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route({.metric = 3})), 0) << is_v4;
    }
  });
}

TEST(NetlinkRouteFlags, StrictChecksRefuseAQuestionAboutLessThanAnAddress) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    const auto ask = [&](unsigned char length, unsigned char table, unsigned flags, const std::string& more) {
      rtmsg message{};
      message.rtm_family = AF_INET;
      message.rtm_dst_len = length;
      message.rtm_table = table;
      message.rtm_flags = flags;
      return netlink.request(RTM_GETROUTE, 0, bytes(message) + attribute(RTA_DST, ip("127.0.0.1")) + more);
    };
    for (const int is_strict : {0, 1}) {
      constexpr int kNetlink = 270;
      ASSERT_EQ(::setsockopt(netlink.fd(), kNetlink, NETLINK_GET_STRICT_CHK, &is_strict, sizeof is_strict), 0);
      const long refused = is_strict != 0 ? -EINVAL : 0;
      EXPECT_EQ(ask(32, 0, 0, ""), 0);
      EXPECT_EQ(ask(32, 0, RTM_F_LOOKUP_TABLE, attribute(RTA_OIF, bytes(1u))), 0);
      EXPECT_EQ(ask(0, 0, 0, ""), refused);
      EXPECT_EQ(ask(24, 0, 0, ""), refused);
      EXPECT_EQ(ask(32, RT_TABLE_MAIN, 0, ""), refused);
      EXPECT_EQ(ask(32, 0, RTM_F_PREFIX, ""), refused);
      EXPECT_EQ(ask(32, 0, 0, attribute(RTA_PRIORITY, bytes(1u))), refused);
    }
  });
}

}  // namespace
}  // namespace conformance
