// Routes and what their links are like: without carrier, through lo, and leading nowhere.
#include <netinet/in.h>

#include "tests/conformance/devices/tun.hh"

namespace conformance {
namespace {

std::string address6(const char* text, int index) {
  ifaddrmsg message{};
  message.ifa_family = AF_INET6;
  message.ifa_prefixlen = 64;
  message.ifa_flags = IFA_F_NODAD;
  message.ifa_index = static_cast<unsigned>(index);
  return bytes(message) + attribute(IFA_LOCAL, ip6(text));
}

std::string route6(const char* destination, unsigned char type, const std::string& more) {
  rtmsg message{};
  message.rtm_family = AF_INET6;
  message.rtm_dst_len = 64;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_type = type;
  return bytes(message) + attribute(RTA_DST, ip6(destination)) + more;
}
std::string through(unsigned index) { return attribute(RTA_OIF, bytes(index)); }

struct Listed {
  bool is_there = false;
  unsigned flags = 0, output = 0;
  bool has_gateway = false;
  int hundredths = 0;  // that it has left
};
Listed find(Route& netlink, unsigned char family, const std::string& destination) {
  rtmsg all{};
  all.rtm_family = family;
  for (const Message& message : netlink.dump(RTM_GETROUTE, bytes(all))) {
    if (message.find(sizeof(rtmsg), RTA_DST) != destination) continue;
    Listed listed{true, message.as<rtmsg>().rtm_flags, 0, !message.find(sizeof(rtmsg), RTA_GATEWAY).empty(), 0};
    memcpy(&listed.output, message.find(sizeof(rtmsg), RTA_OIF).data(), sizeof listed.output);
    rta_cacheinfo cache{};
    const std::string found = message.find(sizeof(rtmsg), RTA_CACHEINFO);
    memcpy(&cache, found.data(), std::min(sizeof cache, found.size()));
    listed.hundredths = cache.rta_expires;
    return listed;
  }
  return {};
}
// The route's flags, once Linux has settled what it thinks of a link that has just come up or gone down.
unsigned settled(Route& netlink, unsigned char family, const char* destination, unsigned wanted) {
  const std::string bytes = family == AF_INET ? ip(destination) : ip6(destination);
  for (int tries = 0; tries < 100 && find(netlink, family, bytes).flags != wanted; ++tries) ::usleep(20000);
  return find(netlink, family, bytes).flags;
}
long ask(Route& netlink, unsigned char family, const std::string& destination) {
  rtmsg message{};
  message.rtm_family = family;
  message.rtm_dst_len = static_cast<unsigned char>(destination.size() * 8);
  return netlink.request(RTM_GETROUTE, 0, bytes(message) + attribute(RTA_DST, destination));
}
void set(const char* name, const char* value) {
  const int fd = ::open((std::string("/proc/sys/net/") + name).c_str(), O_WRONLY);
  ASSERT_GE(fd, 0) << name;
  EXPECT_EQ(::write(fd, value, strlen(value)), static_cast<ssize_t>(strlen(value)));
  ::close(fd);
}

TEST(RouteLink, WithoutCarrierIsSaidAndIgnoredIfAskedTo) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("one", named("two"))), 0);
    const int index = static_cast<int>(index_of("one"));
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.7.0.1", 24, index)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8:7::1", index)), 0);
    EXPECT_FALSE(find(netlink, AF_INET6, ip6("2001:db8:7::")).is_there) << "down";
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(index, IFF_UP, IFF_UP)), 0);
    constexpr unsigned kDown = RTNH_F_LINKDOWN;
    EXPECT_EQ(settled(netlink, AF_INET, "10.7.0.0", kDown), kDown);
    EXPECT_EQ(find(netlink, AF_INET, ip("10.7.0.1")).flags, 0u) << "an address is ours all the same";
    EXPECT_EQ(find(netlink, AF_INET, ip("10.7.0.255")).flags, kDown);
    EXPECT_TRUE(find(netlink, AF_INET6, ip6("2001:db8:7::")).is_there) << "up, though without carrier";
    EXPECT_EQ(find(netlink, AF_INET6, ip6("2001:db8:7::")).flags, kDown);
    EXPECT_EQ(find(netlink, AF_INET6, ip6("2001:db8:7::1")).flags, 0u);
    EXPECT_EQ(ask(netlink, AF_INET, ip("10.7.0.5")), 0);
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:7::5")), 0);
    set("ipv4/conf/all/ignore_routes_with_linkdown", "1");
    set("ipv6/conf/all/ignore_routes_with_linkdown", "1");
    EXPECT_EQ(find(netlink, AF_INET, ip("10.7.0.0")).flags, kDown | RTNH_F_DEAD);
    EXPECT_EQ(find(netlink, AF_INET6, ip6("2001:db8:7::")).flags, kDown | RTNH_F_DEAD);
    EXPECT_EQ(ask(netlink, AF_INET, ip("10.7.0.5")), -ENETUNREACH);
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:7::5")), -ENETUNREACH);
    EXPECT_EQ(ask(netlink, AF_INET, ip("10.7.0.1")), 0);
    ASSERT_EQ(
        netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:8::", RTN_UNICAST, attribute(RTA_GATEWAY, ip6("2001:db8:7::2")))), 0)
        << "a gateway is looked for all the same";
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(static_cast<int>(index_of("two")), IFF_UP, IFF_UP)), 0);
    EXPECT_EQ(settled(netlink, AF_INET, "10.7.0.0", 0), 0u);
    EXPECT_EQ(settled(netlink, AF_INET6, "2001:db8:7::", 0), 0u);
    EXPECT_EQ(ask(netlink, AF_INET, ip("10.7.0.5")), 0);
  });
}

TEST(RouteLink, ASubnetsRouteEndsWithItsAddress) {
  in_new_network([] {
    Route netlink;
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("one", named("two"))), 0);
    const int index = static_cast<int>(index_of("one"));
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(index, IFF_UP, IFF_UP)), 0);
    constexpr unsigned kForEver = 0xffffffff;
    const auto give = [&](const char* text, unsigned seconds, int flags) {
      ifa_cacheinfo life{};
      life.ifa_valid = life.ifa_prefered = seconds;
      return netlink.request(RTM_NEWADDR, flags, address6(text, index) + attribute(IFA_CACHEINFO, bytes(life)));
    };
    const auto left = [&] { return (find(netlink, AF_INET6, ip6("2001:db8:1::")).hundredths + 50) / 100; };
    ASSERT_EQ(give("2001:db8:1::1", 60, kNew), 0);
    EXPECT_EQ(left(), 60);
    ASSERT_EQ(give("2001:db8:1::1", 90, NLM_F_REPLACE), 0);
    EXPECT_EQ(left(), 90);
    ASSERT_EQ(give("2001:db8:1::2", 40, kNew), 0);
    EXPECT_EQ(left(), 40);
    ASSERT_EQ(give("2001:db8:1::3", kForEver, kNew), 0);
    EXPECT_EQ(left(), 0);
  });
}

TEST(RouteLink, TheFirstIpv6AddressBringsTheMulticastRoute) {
  in_new_network([] {
    Route netlink;
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("one", named("two"))), 0);
    const int index = static_cast<int>(index_of("one"));
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(index, IFF_UP, IFF_UP)), 0);
    EXPECT_FALSE(find(netlink, AF_INET6, ip6("ff00::")).is_there);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8:7::1", index)), 0);
    EXPECT_TRUE(find(netlink, AF_INET6, ip6("ff00::")).is_there);
  });
}

TEST(RouteLink, Ipv6RoutesThatRefuseBelongToLo) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, kNew, veth("one", named("two"))), 0);
    const unsigned one = index_of("one");
    const std::string router = attribute(RTA_GATEWAY, ip6("fe80::1"));
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:1::", RTN_BLACKHOLE, "")), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:2::", RTN_UNREACHABLE, through(one))), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:3::", RTN_PROHIBIT, through(1) + router)), 0);
    for (const char* destination : {"2001:db8:1::", "2001:db8:2::", "2001:db8:3::"}) {
      EXPECT_EQ(find(netlink, AF_INET6, ip6(destination)).output, 1u) << destination;
      EXPECT_FALSE(find(netlink, AF_INET6, ip6(destination)).has_gateway) << destination;
    }
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:1::1")), -EINVAL);
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:2::1")), -EHOSTUNREACH);
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:3::1")), -EACCES);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route6("2001:db8:2::", RTN_UNREACHABLE, through(one))), -ESRCH);
    EXPECT_EQ(netlink.request(RTM_DELROUTE, 0, route6("2001:db8:2::", RTN_UNREACHABLE, through(1))), 0);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(1, 0, IFF_UP)), 0);
    EXPECT_FALSE(find(netlink, AF_INET6, ip6("2001:db8:1::")).is_there) << "they go down with it";
  });
}

TEST(RouteLink, AnIpv6RouteElsewhereThroughLoAnswersThatThereIsNoWay) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:8::", RTN_UNICAST, through(1))), 0);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew,
                              route6("2001:db8:9::", RTN_UNICAST, through(1) + attribute(RTA_GATEWAY, ip6("fe80::1")))),
              -EINVAL);
    EXPECT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:9::", RTN_UNICAST, attribute(RTA_GATEWAY, ip6("::1")))),
              -EINVAL);
    EXPECT_EQ(ask(netlink, AF_INET6, ip6("2001:db8:8::1")), 0);
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0));
    const int on = 1;
    ASSERT_EQ(setsockopt(socket, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on), 0);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(9);
    inet_pton(AF_INET6, "2001:db8:8::1", &to.sin6_addr);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(::send(socket, "x", 1, 0), 1);
    char byte = 0;
    EXPECT_EQ(answer(::recv(socket, &byte, 1, MSG_DONTWAIT)), -ENETUNREACH);
  });
}

// An IPv6 packet to `destination` with no payload that anybody would know.
std::string packet6(const char* destination) {
  std::string packet("\x60\0\0\0\0\4\xfd\x40", 8);
  return packet + ip6("2001:db8:5::2") + ip6(destination) + "abcd";
}

TEST(RouteLink, AHostThatDoesNotForwardAnswersForWhatItHasNoRouteTo) {
  with_tun([] {
    Route netlink;
    Tun tun;
    ASSERT_EQ(tun.attach("", IFF_TUN | IFF_NO_PI), 0);
    const int index = static_cast<int>(index_of("tun0"));
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(index, IFF_UP, IFF_UP)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address6("2001:db8:5::1", index)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:a::", RTN_PROHIBIT, "")), 0);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, route6("2001:db8:c::", RTN_UNICAST, through(unsigned(index)))), 0);
    set("ipv6/icmp/ratelimit", "0");
    // "type code" of the ICMP error that comes back; "" for none within 200 ms.
    const auto answer_to = [&](const char* destination) -> std::string {
      const std::string packet = packet6(destination);
      EXPECT_EQ(::write(tun.fd(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
      pollfd waiting{tun.fd(), POLLIN, 0};
      while (::poll(&waiting, 1, 200) == 1) {
        unsigned char heard[2048];
        const ssize_t size = ::read(tun.fd(), heard, sizeof heard);
        if (size > 48 && heard[6] == 58 && heard[40] < 128) return std::to_string(heard[40]) + " " + std::to_string(heard[41]);
      }
      return "";
    };
    EXPECT_EQ(answer_to("2001:db8:99::1"), "1 0");
    EXPECT_EQ(answer_to("2001:db8:a::1"), "1 1");
    EXPECT_EQ(answer_to("2001:db8:c::1"), "") << "there is a way, and it is not ours to go";
  });
}

}  // namespace
}  // namespace conformance
