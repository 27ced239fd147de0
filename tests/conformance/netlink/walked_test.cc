// What random walks over netlink (tests/differential, --netlink) found.
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

constexpr int kNetlink = 270;

std::string of_family(unsigned char family, size_t size) {
  std::string body(size, '\0');
  body[0] = static_cast<char>(family);
  return body;
}
std::string address6(const char* text, unsigned char prefix, unsigned index = 1) {
  ifaddrmsg message{};
  message.ifa_family = AF_INET6;
  message.ifa_prefixlen = prefix;
  message.ifa_index = index;
  message.ifa_flags = IFA_F_NODAD;
  return bytes(message) + attribute(IFA_LOCAL, ip6(text));
}
// Who has no port hears nothing.
void join(int fd, int group) {
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  ::bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own);
  ASSERT_EQ(::setsockopt(fd, kNetlink, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
}

TEST(NetlinkWalked, TheEndOfSomeDumpsComesAlone) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    struct {
      unsigned short type;
      unsigned char family;
      size_t size;
      bool is_alone;
    } constexpr kDumps[] = {{RTM_GETLINK, AF_UNSPEC, 16, true}, {RTM_GETADDR, AF_INET, 8, true},
                            {RTM_GETADDR, AF_INET6, 8, false},  {RTM_GETADDR, AF_UNSPEC, 8, true},
                            {RTM_GETROUTE, AF_INET, 12, true},  {RTM_GETROUTE, AF_INET6, 12, true},
                            {RTM_GETRULE, AF_INET, 12, false}};
    for (const auto& dump : kDumps) {
      netlink.send(dump.type, NLM_F_DUMP, of_family(dump.family, dump.size));
      const auto first = netlink.receive();
      ASSERT_GE(first.size(), 1u);
      EXPECT_EQ(first.back().type == NLMSG_DONE, !dump.is_alone) << dump.type << " of " << int{dump.family};
      if (!dump.is_alone) continue;
      const auto second = netlink.receive();
      ASSERT_EQ(second.size(), 1u);
      EXPECT_EQ(second[0].type, NLMSG_DONE);
    }
  });
}

TEST(NetlinkWalked, WhoHasNotReadADumpIsBusyForTheNext) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    netlink.send(RTM_GETADDR, NLM_F_DUMP, of_family(AF_INET, 8));
    netlink.send(RTM_GETADDR, NLM_F_DUMP, of_family(AF_INET, 8));
    EXPECT_EQ(netlink.receive().at(0).type, RTM_NEWADDR);
    const Message refused = netlink.receive().at(0);
    EXPECT_EQ(refused.type, NLMSG_ERROR);
    EXPECT_EQ(refused.as<int>(), -EBUSY);
    EXPECT_EQ(netlink.receive().at(0).type, NLMSG_DONE);
  });
}

TEST(NetlinkWalked, ADumpOfTransportsNobodyServesEndsWithTheError) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
  std::string body(56, '\0');
  body[0] = AF_INET;
  nlmsghdr head{};
  head.nlmsg_len = static_cast<unsigned>(sizeof head + body.size());
  head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  const std::string whole = bytes(head) + body;
  ASSERT_EQ(::send(fd, whole.data(), whole.size(), 0), static_cast<ssize_t>(whole.size()));
  struct {
    nlmsghdr head;
    int error;
  } answer{};
  ASSERT_EQ(::recv(fd, &answer, sizeof answer, 0), static_cast<ssize_t>(sizeof answer));
  EXPECT_EQ(answer.head.nlmsg_type, NLMSG_DONE);
  EXPECT_EQ(answer.error, -ENOENT);
}

TEST(NetlinkWalked, RulesSayWhoMadeThemAndAreToldOf) {
  in_new_network([] {
    Route netlink, listener;
    for (const Message& message : netlink.dump(RTM_GETRULE, of_family(AF_INET, 12)))
      EXPECT_EQ(message.find(sizeof(fib_rule_hdr), FRA_PROTOCOL), std::string(1, RTPROT_KERNEL));
    join(listener.fd(), RTNLGRP_IPV4_RULE);
    fib_rule_hdr rule{};
    rule.family = AF_INET;
    rule.table = RT_TABLE_MAIN;
    rule.action = FR_ACT_TO_TBL;
    const std::string body = bytes(rule) + attribute(FRA_PRIORITY, bytes(100));
    ASSERT_EQ(netlink.request(RTM_NEWRULE, kNew, body), 0);
    ASSERT_EQ(netlink.request(RTM_DELRULE, 0, body), 0);
    for (const int type : {RTM_NEWRULE, RTM_DELRULE}) {
      const Message told = listener.receive().at(0);
      EXPECT_EQ(told.type, type);
      EXPECT_EQ(told.sequence, 7u);
      EXPECT_EQ(told.find(sizeof rule, FRA_PRIORITY), bytes(100));
    }
    rule.tos = 1;  // a bit of congestion notification
    EXPECT_EQ(netlink.request(RTM_NEWRULE, kNew, bytes(rule)), -EINVAL);
  });
}

TEST(NetlinkWalked, WhatARequestChangesIsToldOfWithItsNumber) {
  in_new_network([] {
    Route netlink, listener;
    join(listener.fd(), RTNLGRP_LINK);
    bring_up(netlink);
    const Message up = listener.receive().at(0);
    EXPECT_EQ(up.type, RTM_NEWLINK);
    EXPECT_EQ(up.as<ifinfomsg>().ifi_change, static_cast<unsigned>(IFF_UP));
    Route other;
    join(other.fd(), RTNLGRP_IPV4_IFADDR);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.1.0.1", 24)), 0);
    const Message told = other.receive().at(0);
    EXPECT_EQ(told.type, RTM_NEWADDR);
    EXPECT_EQ(told.sequence, 7u);
  });
}

TEST(NetlinkWalked, WhatIsSentToAGroupIsHeardWithItsSender) {
  in_new_network([] {
    Route sender, member;
    join(member.fd(), RTNLGRP_NEIGH);
    const int on = 1;
    ASSERT_EQ(::setsockopt(member.fd(), kNetlink, NETLINK_PKTINFO, &on, sizeof on), 0);
    sockaddr_nl own{}, to{}, from{};
    to.nl_family = own.nl_family = AF_NETLINK;
    ASSERT_EQ(::bind(sender.fd(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    socklen_t length = sizeof own;
    ASSERT_EQ(::getsockname(sender.fd(), reinterpret_cast<sockaddr*>(&own), &length), 0);
    to.nl_groups = 1u << (RTNLGRP_NEIGH - 1);
    nlmsghdr head{};
    head.nlmsg_len = sizeof head;
    head.nlmsg_type = NLMSG_NOOP;
    ASSERT_EQ(::sendto(sender.fd(), &head, sizeof head, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 16);
    char room[64], control[64];
    iovec vector{room, sizeof room};
    msghdr message{&from, sizeof from, &vector, 1, control, sizeof control, 0};
    ASSERT_EQ(::recvmsg(member.fd(), &message, MSG_DONTWAIT), 16);
    EXPECT_EQ(from.nl_pid, own.nl_pid);
    EXPECT_EQ(from.nl_groups, to.nl_groups);
    const cmsghdr* cmsg = CMSG_FIRSTHDR(&message);
    ASSERT_NE(cmsg, nullptr);
    EXPECT_EQ(*reinterpret_cast<const unsigned*>(CMSG_DATA(cmsg)), static_cast<unsigned>(RTNLGRP_NEIGH));
  });
}

TEST(NetlinkWalked, AConnectionIsToOneGroup) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  to.nl_groups = 0x550;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  socklen_t length = sizeof to;
  ASSERT_EQ(::getpeername(fd, reinterpret_cast<sockaddr*>(&to), &length), 0);
  EXPECT_EQ(to.nl_groups, 0x10u);
}

TEST(NetlinkWalked, EveryProtocolHasThirtyTwoGroups) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
  for (const int group : {1, 32}) EXPECT_EQ(::setsockopt(fd, kNetlink, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
  const int beyond = 33;
  EXPECT_EQ(::setsockopt(fd, kNetlink, NETLINK_ADD_MEMBERSHIP, &beyond, sizeof beyond), -1);
}

TEST(NetlinkWalked, WhichFaultOfAnAddressWins) {
  in_new_network([] {
    Route netlink;
    const unsigned lifetimes[4] = {9, 5, 0, 0};
    const std::string longer = attribute(IFA_CACHEINFO, bytes(lifetimes));
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.1.0.1", 24, 99) + longer), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8::1", 64, 99) + longer), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8::1", 129, 99)), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8::1", 64) + longer), -EINVAL);
  });
}

TEST(NetlinkWalked, AnIpv6AddressWithAPeerHasItsOwnSubnetAndThePeer) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8::1", 64) + attribute(IFA_ADDRESS, ip6("2001:db8:9::2"))), 0);
    const auto main_routes = [&] {
      std::vector<std::string> found;
      for (const Message& message : netlink.dump(RTM_GETROUTE, of_family(AF_INET6, 12))) {
        const auto route = message.as<rtmsg>();
        if (route.rtm_table == RT_TABLE_MAIN)
          found.push_back(message.find(sizeof route, RTA_DST) + static_cast<char>(route.rtm_dst_len));
      }
      return found;
    };
    // The peer's is there when the address has been found to be nobody else's, which Linux does on a thread of its own.
    std::vector<std::string> found;
    for (int tries = 0; found.size() < 2 && tries < 200; ++tries) {
      if (tries != 0) ::usleep(10'000);
      found = main_routes();
    }
    EXPECT_EQ(found, (std::vector<std::string>{ip6("2001:db8::") + '\x40', ip6("2001:db8:9::2") + '\x80'}));
  });
}

TEST(NetlinkWalked, RoutesOfIpv6HaveNoTypeOfServiceAndTheirDeviceIsThere) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    rtmsg route{};
    route.rtm_family = AF_INET6;
    route.rtm_table = RT_TABLE_MAIN;
    route.rtm_type = RTN_BLACKHOLE;
    route.rtm_dst_len = 128;
    const std::string there = attribute(RTA_DST, ip6("2001:db8::7"));
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, bytes(route) + there + attribute(RTA_OIF, bytes(99))), -ENODEV);
    route.rtm_tos = 4;
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, bytes(route) + there), -EINVAL);
    route.rtm_tos = 0;
    route.rtm_flags = RTM_F_CLONED;
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, bytes(route) + there), -EINVAL);
  });
}

TEST(NetlinkWalked, ALinkTellsItsLimits) {
  in_new_network([] {
    Route netlink;
    const auto links = netlink.dump(RTM_GETLINK, link(0));
    ASSERT_GE(links.size(), 1u);
    const Message& lo = links[0];
    EXPECT_EQ(lo.link_name(), "lo");
    const auto number = [&](int type) { return lo.find(sizeof(ifinfomsg), type); };
    EXPECT_EQ(number(IFLA_GSO_MAX_SEGS), bytes(65535u));
    EXPECT_EQ(number(IFLA_GSO_MAX_SIZE), bytes(65536u));
    EXPECT_EQ(number(59 /* IFLA_TSO_MAX_SIZE */), bytes(524280u));
    EXPECT_EQ(number(67 /* IFLA_NETNS_IMMUTABLE */), std::string(1, '\1'));
    EXPECT_EQ(number(IFLA_MAP).size(), 32u);
    EXPECT_EQ(number(IFLA_XDP), attribute(IFLA_XDP_ATTACHED, std::string(1, '\0')));
  });
}

}  // namespace
}  // namespace conformance
