// /proc/net/route, ipv6_route and arp: what programs that do not speak netlink read of routes and neighbours.
#include <sys/ioctl.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/conformance/devices/tun.hh"

namespace conformance {
namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

struct Wanted {
  unsigned char family, length;
  const char* destination;
  unsigned char type = RTN_UNICAST;
  const char* gateway = nullptr;
  unsigned metric = 0;
  std::string metrics = "";
};

long add(Route& netlink, const char* device, const Wanted& wanted) {
  const bool is_v4 = wanted.family == AF_INET;
  const auto address_of = [&](const char* text) { return is_v4 ? ip(text) : ip6(text); };
  rtmsg message{};
  message.rtm_family = wanted.family;
  message.rtm_dst_len = wanted.length;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_type = wanted.type;
  message.rtm_scope = wanted.gateway != nullptr || wanted.type != RTN_UNICAST ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  std::string body = bytes(message) + attribute(RTA_DST, address_of(wanted.destination));
  if (wanted.type == RTN_UNICAST) body += attribute(RTA_OIF, bytes(index_of(device)));
  if (wanted.gateway != nullptr) body += attribute(RTA_GATEWAY, address_of(wanted.gateway));
  if (wanted.metric != 0) body += attribute(RTA_PRIORITY, bytes(wanted.metric));
  if (!wanted.metrics.empty()) body += attribute(RTA_METRICS, wanted.metrics);
  return netlink.request(RTM_NEWROUTE, kNew, body);
}

std::string padded(std::string line) {
  line.resize(127, ' ');
  return line + "\n";
}

TEST(ProcRoutes, Ipv4ShowsTheMainTableByAddressAndTheLongestFirst) {
  with_tun([] {
    const std::string head = padded("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(text_of("/proc/net/route"), head);
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    start(netlink, tap, "192.0.2.1");
    const std::string metrics =
        attribute(RTAX_ADVMSS, bytes(1000u)) + attribute(RTAX_WINDOW, bytes(9u)) + attribute(RTAX_RTT, bytes(160u));
    for (const Wanted& wanted :
         {Wanted{AF_INET, 0, "0.0.0.0", RTN_UNICAST, "192.0.2.254", 5}, Wanted{AF_INET, 24, "198.51.100.0", RTN_UNREACHABLE},
          Wanted{AF_INET, 32, "203.0.113.7", RTN_BLACKHOLE}, Wanted{AF_INET, 15, "198.18.0.0", RTN_UNICAST, nullptr, 0, metrics},
          Wanted{AF_INET, 25, "192.0.2.0", RTN_UNICAST, "192.0.2.7"}}) {
      EXPECT_EQ(add(netlink, "tap0", wanted), 0) << wanted.destination;
    }
    EXPECT_EQ(text_of("/proc/net/route"), head + padded("tap0\t00000000\tFE0200C0\t0003\t0\t0\t5\t00000000\t0\t0\t0") +
                                              padded("tap0\t000200C0\t070200C0\t0003\t0\t0\t0\t80FFFFFF\t0\t0\t0") +
                                              padded("tap0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0") +
                                              padded("tap0\t000012C6\t00000000\t0001\t0\t0\t0\t0000FEFF\t1040\t9\t20") +
                                              padded("*\t006433C6\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0") +
                                              padded("*\t077100CB\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0"));
  });
}

TEST(ProcRoutes, AnIpv4RouteMayLeadThroughAnIpv6Neighbour) {
  with_tun([] {
    Route netlink;
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    start(netlink, tap, "192.0.2.1");
    ASSERT_EQ(add(netlink, "tap0", Wanted{AF_INET6, 32, "2001:db8::"}), 0);
    rtmsg message{};
    message.rtm_family = AF_INET;
    message.rtm_dst_len = 24;
    message.rtm_table = RT_TABLE_MAIN;
    message.rtm_protocol = RTPROT_STATIC;
    message.rtm_type = RTN_UNICAST;
    const std::string body =
        bytes(message) + attribute(RTA_DST, ip("198.51.100.0")) + attribute(RTA_OIF, bytes(index_of("tap0")));
    const auto via = [](unsigned short family, const std::string& address) {
      return attribute(RTA_VIA, bytes(family) + address);
    };
    const auto put = [&](const std::string& more) { return netlink.request(RTM_NEWROUTE, kNew, body + more); };
    EXPECT_EQ(put(via(AF_INET6, ip("192.0.2.9"))), -EINVAL);
    EXPECT_EQ(put(via(AF_UNIX, ip6("2001:db8::9"))), -EINVAL);
    EXPECT_EQ(put(via(AF_INET6, ip6("2001:db8::9")) + attribute(RTA_GATEWAY, ip("192.0.2.9"))), -EINVAL);
    EXPECT_EQ(put(via(AF_INET6, ip6("2001:db8::9"))), 0);
    EXPECT_TRUE(text_of("/proc/net/route").find("tap0\t006433C6\t00000000\t0003\t") != std::string::npos);
    message = {};
    message.rtm_family = AF_INET;
    const std::vector<Message> routes = netlink.dump(RTM_GETROUTE, bytes(message));
    const auto leads = [](const Message& route) {
      return route.find(sizeof(rtmsg), RTA_VIA) == bytes<unsigned short>(AF_INET6) + ip6("2001:db8::9");
    };
    EXPECT_EQ(std::count_if(routes.begin(), routes.end(), leads), 1);
  });
}

// Without the count of references, which nobody can rely on.
std::vector<std::string> lines6() {
  std::vector<std::string> lines;
  std::istringstream text(text_of("/proc/net/ipv6_route"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(std::regex_replace(line, std::regex("^(\\S+ \\S+) 0{32} 00 (\\S+) (\\S+) \\S+ 00000000 (\\S+) +(\\S+)$"),
                                       "$1 $2 $3 $4 $5"));
  }
  return lines;
}

constexpr char kNobody[] = "00000000000000000000000000000000";
const std::string kNoWay = std::string(kNobody) + " 00 " + kNobody + " ffffffff 00200200 lo";

TEST(ProcRoutes, Ipv6ShowsEveryTableAndWhereNoWayLeads) {
  with_tun([] {
    EXPECT_EQ(lines6(), (std::vector<std::string>{kNoWay, kNoWay}));
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(lines6(),
              (std::vector<std::string>{
                  kNoWay, std::string("00000000000000000000000000000001 80 ") + kNobody + " 00000000 80200001 lo", kNoWay}));
    Tun tun;
    ASSERT_EQ(tun.attach("tun0", IFF_TUN), 0);
    ASSERT_EQ(set_up(netlink, "tun0"), 0);
    for (const Wanted& wanted : {Wanted{AF_INET6, 32, "2001:db8::"}, Wanted{AF_INET6, 48, "2001:db8:5::", RTN_UNREACHABLE},
                                 Wanted{AF_INET6, 0, "::", RTN_UNICAST, "2001:db8::9", 7}}) {
      EXPECT_EQ(add(netlink, "tun0", wanted), 0) << wanted.destination;
    }
    std::vector<std::string> lines;
    for (const std::string& line : lines6()) {  // but what the link has of itself
      if (line.compare(0, 2, "fe") != 0 && line.compare(0, 2, "ff") != 0) lines.push_back(line);
    }
    ASSERT_EQ(lines.size(), 5u);
    EXPECT_EQ(lines[0], std::string("20010db8000500000000000000000000 30 ") + kNobody + " 00000400 00200200 lo");
    EXPECT_EQ(lines[1], std::string("20010db8000000000000000000000000 20 ") + kNobody + " 00000400 00000001 tun0");
    EXPECT_EQ(lines[2], std::string(kNobody) + " 00 20010db8000000000000000000000009 00000007 00000003 tun0");
    EXPECT_EQ(lines[4], kNoWay);
  });
}

std::string neighbour(const char* address, const std::string& mac, unsigned short state) {
  ndmsg message{};
  message.ndm_family = AF_INET;
  message.ndm_ifindex = static_cast<int>(index_of("tap0"));
  message.ndm_state = state;
  return bytes(message) + attribute(NDA_DST, ip(address)) + attribute(NDA_LLADDR, mac);
}

TEST(ProcRoutes, NeighboursAreShownWithWhatIsKnownOfThem) {
  with_tun([] {
    const std::string head = "IP address       HW type     Flags       HW address            Mask     Device\n";
    EXPECT_EQ(text_of("/proc/net/arp"), head);
    Route netlink;
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    start(netlink, tap, "192.0.2.1");
    const auto line = [](const char* address, const char* flags, const char* mac) {
      return std::string(address) + "      0x1         " + flags + "         " + mac + "     *        tap0\n";
    };
    ASSERT_EQ(netlink.request(RTM_NEWNEIGH, kNew, neighbour("192.0.2.109", std::string("\2\0\0\0\0\x9", 6), NUD_PERMANENT)), 0);
    EXPECT_EQ(text_of("/proc/net/arp"), head + line("192.0.2.109", "0x6", "02:00:00:00:00:09"));
    ASSERT_EQ(netlink.request(RTM_DELNEIGH, 0, neighbour("192.0.2.109", std::string("\2\0\0\0\0\x9", 6), NUD_PERMANENT)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWNEIGH, kNew, neighbour("192.0.2.110", std::string("\2\0\0\0\0\xa", 6), NUD_STALE)), 0);
    EXPECT_TRUE(text_of("/proc/net/arp").find(line("192.0.2.110", "0x2", "02:00:00:00:00:0a")) != std::string::npos);
    // Nobody has answered yet.
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in far = loopback4();
    memcpy(&far.sin_addr, ip("192.0.2.150").data(), 4);
    far.sin_port = htons(9);
    ASSERT_EQ(::sendto(udp, "x", 1, 0, reinterpret_cast<sockaddr*>(&far), sizeof far), 1);
    EXPECT_TRUE(text_of("/proc/net/arp").find(line("192.0.2.150", "0x0", "00:00:00:00:00:00")) != std::string::npos);
  });
}

}  // namespace
}  // namespace conformance
