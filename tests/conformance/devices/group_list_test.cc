// /proc/net/igmp, igmp6, mcfilter, mcfilter6 and dev_mcast, and the groups an IPv6 router listens to without joining.
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <fstream>

#include "tests/conformance/devices/tun.hh"

namespace conformance {
namespace {

// The file's lines that have `part`, each from where it begins there.
std::string lines_with(const char* path, const std::string& part) {
  std::ifstream file(path);
  std::string out;
  for (std::string line; std::getline(file, line);) {
    if (const size_t at = line.find(part); at != std::string::npos) out += line.substr(at) + "\n";
  }
  return out;
}
std::string text_of(const char* path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

group_source_req source_of(unsigned interface, const char* group, const char* source) {
  group_source_req request{};
  request.gsr_interface = interface;
  for (const auto& [text, to] : {std::pair{group, &request.gsr_group}, {source, &request.gsr_source}}) {
    if (strchr(text, ':') != nullptr) {
      auto* name = reinterpret_cast<sockaddr_in6*>(to);
      name->sin6_family = AF_INET6;
      inet_pton(AF_INET6, text, &name->sin6_addr);
    } else {
      auto* name = reinterpret_cast<sockaddr_in*>(to);
      name->sin_family = AF_INET;
      inet_pton(AF_INET, text, &name->sin_addr);
    }
  }
  return request;
}
void join(int fd, unsigned interface, const char* group) {
  const group_source_req both = source_of(interface, group, group);
  group_req request{};
  request.gr_interface = interface;
  request.gr_group = both.gsr_group;
  ASSERT_EQ(
      ::setsockopt(fd, strchr(group, ':') != nullptr ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, &request, sizeof request), 0);
}
void change(int fd, unsigned interface, int option, const char* group, const char* source) {
  const group_source_req request = source_of(interface, group, source);
  ASSERT_EQ(::setsockopt(fd, strchr(group, ':') != nullptr ? IPPROTO_IPV6 : IPPROTO_IP, option, &request, sizeof request), 0);
}

TEST(GroupList, Ipv4ShowsTheLatestFirstAndItsSources) {
  with_tun([] {
    Route netlink;
    bring_up(netlink);
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    const std::string head = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n";
    const std::string loopback = "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n";
    EXPECT_EQ(text_of("/proc/net/igmp"), head + loopback) << "an interface that is down listens to nothing";
    start(netlink, tap, "192.0.2.1");
    const unsigned index = index_of("tap0");
    const Fd one(::socket(AF_INET, SOCK_DGRAM, 0)), other(::socket(AF_INET, SOCK_DGRAM, 0));
    for (int fd : {one.get(), other.get()}) join(fd, index, "239.1.2.3");
    change(one, index, MCAST_BLOCK_SOURCE, "239.1.2.3", "10.0.0.9");
    for (const char* source : {"10.0.0.7", "10.0.0.8"}) change(other, index, MCAST_JOIN_SOURCE_GROUP, "239.9.9.9", source);
    EXPECT_EQ(text_of("/proc/net/igmp"), head + loopback + std::to_string(index) +
                                             "\ttap0      :     3      V3\n"
                                             "\t\t\t\t090909EF     1 0:00000000\t\t0\n"
                                             "\t\t\t\t030201EF     2 0:00000000\t\t0\n"
                                             "\t\t\t\t010000E0     1 0:00000000\t\t0\n");
    char filters[200];
    snprintf(filters, sizeof filters,
             "%3u   tap0 0xef090909 0x0a000007      1      0\n"
             "%3u   tap0 0xef090909 0x0a000008      1      0\n"
             "%3u   tap0 0xef010203 0x0a000009      0      1\n",
             index, index, index);
    EXPECT_EQ(text_of("/proc/net/mcfilter"), std::string("Idx Device        MCA        SRC    INC    EXC\n") + filters);
    EXPECT_EQ(lines_with("/proc/net/dev_mcast", "tap0            1     0     01005e"),
              "tap0            1     0     01005e000001\n"
              "tap0            1     0     01005e010203\n"
              "tap0            1     0     01005e090909\n");
  });
}

TEST(GroupList, Ipv6SaysWhatIsReportedAndWhatTheLinkHears) {
  with_tun([] {
    Route netlink;
    bring_up(netlink);
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    const std::string everybody =
        "tap0            ff020000000000000000000000000001     1 0000000C 0\n"
        "tap0            ff010000000000000000000000000001     1 00000008 0\n";
    EXPECT_EQ(lines_with("/proc/net/igmp6", "tap0"), everybody);
    EXPECT_EQ(lines_with("/proc/net/dev_mcast", "tap0"), "tap0            1     0     333300000001\n");
    const unsigned index = index_of("tap0");
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0)), other(::socket(AF_INET6, SOCK_DGRAM, 0));
    for (const char* group : {"ff15::77", "ff11::78", "ff18::77"}) join(socket, index, group);
    join(other, index, "ff15::77");
    change(socket, index, MCAST_JOIN_SOURCE_GROUP, "ff3e::99", "2001:db8::5");
    EXPECT_EQ(lines_with("/proc/net/igmp6", "tap0"),
              "tap0            ff3e0000000000000000000000000099     1 00000004 0\n"
              "tap0            ff180000000000000000000000000077     1 00000004 0\n"
              "tap0            ff110000000000000000000000000078     1 00000008 0\n"
              "tap0            ff150000000000000000000000000077     2 00000004 0\n" +
                  everybody);
    EXPECT_EQ(lines_with("/proc/net/mcfilter6", "tap0"),
              "tap0 ff3e0000000000000000000000000099 20010db8000000000000000000000005      1      0\n");
    EXPECT_EQ(lines_with("/proc/net/dev_mcast", "tap0"),
              "tap0            1     0     333300000001\n"
              "tap0            2     0     333300000077\n"
              "tap0            1     0     333300000099\n");
  });
}

void set_forwarding(char value) {
  const Fd file(::open("/proc/sys/net/ipv6/conf/tap0/forwarding", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(file, &value, 1), 1);
}

std::string datagram_to(const char* group, uint16_t port) {
  ip6_hdr header{};
  header.ip6_vfc = 6 << 4;
  header.ip6_plen = htons(sizeof(udphdr) + 4);
  header.ip6_nxt = IPPROTO_UDP;
  header.ip6_hlim = 1;
  inet_pton(AF_INET6, "fe80::5", &header.ip6_src);
  inet_pton(AF_INET6, group, &header.ip6_dst);
  udphdr udp{};
  udp.source = htons(5);
  udp.dest = htons(port);
  udp.len = header.ip6_plen;
  const std::string pseudo =
      bytes(header.ip6_src) + bytes(header.ip6_dst) + bytes(htonl(sizeof udp + 4)) + bytes(htonl(IPPROTO_UDP));
  udp.check = htons(sum(pseudo + bytes(udp) + "data"));
  const std::string ethernet = std::string("\x33\x33\0\0\0\x02\x02\0\0\0\0\x05\x86\xdd", 14);
  return information(ETH_P_IPV6) + ethernet + bytes(header) + bytes(udp) + "data";
}

// RFC 4291, 2.8. Before the interface became a router's, and after it, the groups are nobody's.
TEST(GroupList, ARouterListensToAllRouters) {
  with_tun([] {
    Route netlink;
    bring_up(netlink);
    Tun tap;
    ASSERT_EQ(tap.attach("tap0", IFF_TAP), 0);
    start(netlink, tap, "192.0.2.1");
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0));
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    socklen_t size = sizeof name;
    ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size), 0);
    const auto arrives = [&](const char* group) {
      EXPECT_GT(tap.put(datagram_to(group, ntohs(name.sin6_port))), 0);
      char data[8];
      return ::recv(socket, data, sizeof data, MSG_DONTWAIT) == 4;
    };
    for (const char forwards : {'0', '1', '0'}) {
      set_forwarding(forwards);
      for (const char* group : {"ff02::2", "ff05::2"}) EXPECT_EQ(arrives(group), forwards == '1') << group << " " << forwards;
      EXPECT_FALSE(arrives("ff08::2"));
      EXPECT_EQ(lines_with("/proc/net/igmp6", "tap0            ff050000000000000000000000000002"),
                forwards == '0' ? "" : "tap0            ff050000000000000000000000000002     1 00000004 0\n");
      EXPECT_EQ(lines_with("/proc/net/igmp6", "tap0            ff010000000000000000000000000002"),
                forwards == '0' ? "" : "tap0            ff010000000000000000000000000002     1 00000008 0\n");
      EXPECT_EQ(lines_with("/proc/net/dev_mcast", "333300000002"), forwards == '0' ? "" : "333300000002\n");
    }
  });
}

}  // namespace
}  // namespace conformance
