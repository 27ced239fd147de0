// NETLINK_ROUTE: what ip and getifaddrs() ask, in a network namespace of the test's own.
#include <errno.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

std::string route(const char* destination, unsigned char prefix, unsigned char type = RTN_UNICAST) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_dst_len = prefix;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  message.rtm_type = type;
  return bytes(message) + attribute(RTA_DST, ip(destination));
}
TEST(NetlinkRoute, LinksAreListedAndFound) {
  in_new_network([] {
    Route netlink;
    const auto links = netlink.dump(RTM_GETLINK, link(0));
    bool has_lo = false;
    for (const Message& message : links) {
      EXPECT_EQ(message.type, RTM_NEWLINK);
      EXPECT_TRUE((message.flags & NLM_F_MULTI) != 0);
      if (message.link_name() != "lo") continue;
      has_lo = true;
      EXPECT_EQ(message.as<ifinfomsg>().ifi_index, 1);
      EXPECT_EQ(message.as<ifinfomsg>().ifi_type, 772);
      EXPECT_EQ(message.as<ifinfomsg>().ifi_flags, unsigned{IFF_LOOPBACK});
      EXPECT_EQ(message.find(sizeof(ifinfomsg), IFLA_MTU), bytes(65536u));
      EXPECT_EQ(message.find(sizeof(ifinfomsg), IFLA_ADDRESS), std::string(6, 0));
      EXPECT_EQ(message.find(sizeof(ifinfomsg), IFLA_STATS64).size() % 8, 0u);
    }
    EXPECT_TRUE(has_lo);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(1)), 0);
    EXPECT_EQ(netlink.last().link_name(), "lo");
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(0) + attribute(IFLA_IFNAME, bytes("lo"))), 0);
    EXPECT_EQ(netlink.last().as<ifinfomsg>().ifi_index, 1);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(4711)), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(0) + attribute(IFLA_IFNAME, bytes("absent"))), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(0)), -EINVAL);
  });
}

TEST(NetlinkRoute, ALinkIsChanged) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_GETLINK, 0, link(1)), 0);
    EXPECT_EQ(netlink.last().as<ifinfomsg>().ifi_flags, unsigned{IFF_UP | IFF_LOOPBACK | IFF_RUNNING | 0x10000});
    EXPECT_EQ(netlink.request(RTM_NEWLINK, 0, link(1) + attribute(IFLA_MTU, bytes(1400u))), 0);
    ASSERT_EQ(netlink.request(RTM_GETLINK, 0, link(1)), 0);
    EXPECT_EQ(netlink.last().find(sizeof(ifinfomsg), IFLA_MTU), bytes(1400u));
    EXPECT_EQ(netlink.request(RTM_SETLINK, 0, link(1, 0, IFF_UP)), 0);
    ASSERT_EQ(netlink.request(RTM_GETLINK, 0, link(1)), 0);
    EXPECT_EQ(netlink.last().as<ifinfomsg>().ifi_flags & IFF_UP, 0u);
    EXPECT_EQ(netlink.request(RTM_NEWLINK, NLM_F_EXCL, link(1)), -EEXIST);
    EXPECT_EQ(netlink.request(RTM_NEWLINK, 0, link(4711)), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_NEWLINK, 0, link(0)), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(1)), -EOPNOTSUPP);
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(4711)), -ENODEV);
  });
}

TEST(NetlinkRoute, AddressesComeAndGo) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), -EEXIST);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, NLM_F_REPLACE, address("10.0.0.1", 24)), 0);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.2", 24)), 0);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.3", 33)), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.3", 24, 4711)), -ENODEV);
    std::vector<std::string> found;
    ifaddrmsg all{};
    all.ifa_family = AF_INET;
    for (const Message& message : netlink.dump(RTM_GETADDR, bytes(all))) {
      const auto header = message.as<ifaddrmsg>();
      const std::string local = message.find(sizeof header, IFA_LOCAL);
      char text[INET_ADDRSTRLEN] = {};
      inet_ntop(AF_INET, local.data(), text, sizeof text);
      found.push_back(std::string(text) + "/" + std::to_string(header.ifa_prefixlen) + " " +
                      std::to_string(header.ifa_flags & (IFA_F_SECONDARY | IFA_F_PERMANENT)) + " " +
                      std::to_string(header.ifa_scope) + " " + message.find(sizeof header, IFA_LABEL).c_str());
    }
    EXPECT_EQ(found, (std::vector<std::string>{"127.0.0.1/8 128 254 lo", "10.0.0.1/24 128 0 lo", "10.0.0.2/24 129 0 lo"}));
    EXPECT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.2", 24)), 0);
    EXPECT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.2", 24)), -EADDRNOTAVAIL);
    EXPECT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.2", 24, 4711)), -ENODEV);
    EXPECT_EQ(netlink.request(RTM_GETADDR, 0, bytes(all)), -EOPNOTSUPP);
  });
}

TEST(NetlinkRoute, RoutesComeAndGo) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    const std::string via_lo = attribute(RTA_OIF, bytes(1u));
    const std::string wanted = route("10.2.0.0", 16) + via_lo + attribute(RTA_PRIORITY, bytes(5u));
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, wanted), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, wanted), -EEXIST);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route("10.9.0.0", 16, RTN_UNREACHABLE)), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route("10.9.0.1", 16) + via_lo), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route("10.3.0.0", 33) + via_lo), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route("10.3.0.0", 16) + attribute(RTA_OIF, bytes(4711u))), -ENODEV);
    rtmsg all{};
    all.rtm_family = AF_INET;
    std::vector<std::string> found;
    for (const Message& message : netlink.dump(RTM_GETROUTE, bytes(all))) {
      const auto header = message.as<rtmsg>();
      if (header.rtm_table != RT_TABLE_MAIN) continue;
      char text[INET_ADDRSTRLEN] = {};
      const std::string destination = message.find(sizeof header, RTA_DST);
      inet_ntop(AF_INET, destination.data(), text, sizeof text);
      found.push_back(std::string(text) + "/" + std::to_string(header.rtm_dst_len) + " type " + std::to_string(header.rtm_type) +
                      " by " + std::to_string(header.rtm_protocol));
      EXPECT_EQ(message.find(sizeof header, RTA_TABLE), bytes(unsigned{RT_TABLE_MAIN}));
    }
    EXPECT_EQ(found, (std::vector<std::string>{"10.2.0.0/16 type 1 by 4", "10.9.0.0/16 type 7 by 4"}));
    ASSERT_EQ(netlink.request(RTM_GETROUTE, 0, route("127.0.0.1", 32)), 0);
    EXPECT_EQ(netlink.last().as<rtmsg>().rtm_type, RTN_LOCAL);
    EXPECT_EQ(netlink.last().as<rtmsg>().rtm_flags, 0x80000000u | RTM_F_CLONED);
    EXPECT_EQ(netlink.last().find(sizeof(rtmsg), RTA_PREFSRC), ip("127.0.0.1"));
    EXPECT_EQ(netlink.last().find(sizeof(rtmsg), RTA_OIF), bytes(1u));
    EXPECT_EQ(netlink.request(RTM_GETROUTE, 0, route("10.9.1.1", 32)), -EHOSTUNREACH);
    EXPECT_EQ(netlink.request(RTM_GETROUTE, 0, route("192.0.2.1", 32)), -ENETUNREACH);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, wanted), 0);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, wanted), -ESRCH);
  });
}

TEST(NetlinkRoute, RulesComeAndGo) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    fib_rule_hdr header{};
    header.family = AF_INET;
    header.src_len = 24;
    header.table = 100;
    header.action = FR_ACT_TO_TBL;
    const std::string rule = bytes(header) + attribute(FRA_SRC, ip("10.0.0.0"));
    EXPECT_EQ(netlink.request(RTM_NEWRULE, kNew, rule), 0);
    fib_rule_hdr all{};
    all.family = AF_INET;
    std::vector<std::string> found;
    for (const Message& message : netlink.dump(RTM_GETRULE, bytes(all))) {
      const std::string value = message.find(sizeof all, FRA_PRIORITY);
      unsigned priority = 0;
      if (!value.empty()) memcpy(&priority, value.data(), sizeof priority);
      found.push_back(std::to_string(priority) + " " + std::to_string(message.as<fib_rule_hdr>().table));
    }
    EXPECT_EQ(found, (std::vector<std::string>{"0 255", "32765 100", "32766 254", "32767 253"}));
    header.action = FR_ACT_UNSPEC;
    const std::string less = bytes(header) + attribute(FRA_SRC, ip("10.0.0.0"));
    EXPECT_EQ(netlink.request(RTM_DELRULE, 0, less), 0);
    EXPECT_EQ(netlink.request(RTM_DELRULE, 0, less), -ENOENT);
  });
}

TEST(NetlinkRoute, GroupsHearOfChanges) {
  in_new_network([] {
    Route netlink, listener;
    bring_up(netlink);
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = RTMGRP_LINK;
    ASSERT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    int group = RTNLGRP_IPV4_IFADDR;
    ASSERT_EQ(::setsockopt(listener.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
    group = 4711;
    EXPECT_EQ(answer(::setsockopt(listener.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group)), -EINVAL);
    unsigned groups[2] = {};
    socklen_t length = sizeof groups;
    ASSERT_EQ(::getsockopt(listener.fd(), SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &length), 0);
    EXPECT_EQ(length, sizeof groups);
    EXPECT_EQ(groups[0], unsigned{RTMGRP_LINK | RTMGRP_IPV4_IFADDR});
    length = sizeof name;
    ASSERT_EQ(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&name), &length), 0);
    EXPECT_EQ(name.nl_groups, groups[0]);

    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    auto heard = listener.receive(MSG_DONTWAIT, &name);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].type, RTM_NEWADDR);
    EXPECT_EQ(heard[0].find(sizeof(ifaddrmsg), IFA_LOCAL), ip("10.0.0.1"));
    EXPECT_EQ(name.nl_groups, unsigned{RTMGRP_IPV4_IFADDR});
    EXPECT_EQ(name.nl_pid, 0u);
    ASSERT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.1", 24)), 0);
    heard = listener.receive(MSG_DONTWAIT);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].type, RTM_DELADDR);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(1) + attribute(IFLA_MTU, bytes(1400u))), 0);
    heard = listener.receive(MSG_DONTWAIT);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].type, RTM_NEWLINK);
    EXPECT_EQ(heard[0].link_name(), "lo");

    group = RTNLGRP_IPV4_IFADDR;
    ASSERT_EQ(::setsockopt(listener.fd(), SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    EXPECT_TRUE(listener.receive(MSG_DONTWAIT).empty());
    EXPECT_EQ(errno, EAGAIN);
  });
}

TEST(NetlinkRoute, OnlyTheAdministratorChanges) {
  in_new_network([] {
    if (setresuid(65534, 65534, 65534) != 0) _exit(77);
    Route netlink;
    EXPECT_EQ(netlink.request(RTM_NEWLINK, 0, link(1, IFF_UP, IFF_UP)), -EPERM);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), -EPERM);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, ""), 0);  // not even a family: passed over
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, "x"), -EPERM);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, link(1)), 0);
  });
}

TEST(NetlinkRoute, NonsenseIsRefused) {
  in_new_network([] {
    Route netlink;
    EXPECT_EQ(netlink.request(RTM_MAX + 1, 0, link(1)), -EOPNOTSUPP);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, "\x02y"), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, "xy"), -EOPNOTSUPP);
    EXPECT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24).substr(0, sizeof(ifaddrmsg))), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_GETLINK, 0, "xy"), -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWLINK, 0, link(1) + attribute(IFLA_MTU, "x")), -ERANGE);
  });
}

TEST(NetlinkRoute, GetifaddrsSeesTheNetworkOfThisProcess) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    ifaddrs* list = nullptr;
    ASSERT_EQ(getifaddrs(&list), 0);
    std::vector<std::string> found;
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
      if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || strcmp(one->ifa_name, "lo") != 0) continue;
      char text[INET_ADDRSTRLEN] = {};
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text);
      found.push_back(text);
    }
    freeifaddrs(list);
    EXPECT_EQ(found, (std::vector<std::string>{"127.0.0.1", "10.0.0.1"}));
  });
}

}  // namespace
}  // namespace conformance
