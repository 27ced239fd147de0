// What each match agrees with: one packet, one rule, and whether the rule counted it.
#include "tests/conformance/filter/rules.hh"

#include <linux/netfilter/xt_DSCP.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_statistic.h>
#include <linux/netfilter_ipv4/ipt_ttl.h>

namespace conformance {
namespace {

constexpr int kIn = NF_INET_LOCAL_IN, kForward = NF_INET_FORWARD, kOut = NF_INET_LOCAL_OUT;

template <typename Family>
sockaddr_in6 loopback(uint16_t port) {
  sockaddr_in6 storage{};
  if (Family::kFamily == AF_INET) {
    const sockaddr_in address = loopback4(port);
    memcpy(&storage, &address, sizeof address);
  } else {
    storage = loopback6(port);
  }
  return storage;
}

// One datagram from port 1000 to `port`, with so many bytes.
template <typename Family>
void send_datagram(uint16_t port, size_t size = 10) {
  const Fd fd(::socket(Family::kFamily, SOCK_DGRAM, 0));
  const sockaddr_in6 from = loopback<Family>(1000), to = loopback<Family>(port);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from);
  const std::string data(size, 'x');
  ::sendto(fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}
// A connection that nobody accepts: a SYN, and a reset back.
template <typename Family>
void send_syn(uint16_t port) {
  const Fd fd(::socket(Family::kFamily, SOCK_STREAM, 0));
  const sockaddr_in6 to = loopback<Family>(port);
  ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

// How many packets a rule counted while `act` ran, at one hook.
template <typename Family>
uint64_t counted(int hook, int protocol, const std::string& wants, const std::function<void()>& act) {
  const Fd fd(::socket(Family::kFamily, SOCK_DGRAM, 0));
  Table<Family> table("filter");
  size_t place = 0;
  for (const int each : {kIn, kForward, kOut}) {
    if (each < hook) ++place;
    if (each == hook) {
      table.hook(each, {Rule<Family>(protocol, wants, verdict(kAccept))});
    } else {
      table.hook(each);
    }
  }
  EXPECT_EQ(table.replace(fd), 0);
  act();
  return Table<Family>::counters(fd, "filter")[place].first;
}

template <typename Family>
void check_ports() {
  const auto udp = [](uint16_t low, uint16_t high, uint8_t inverted) {
    return extension("udp", 0, bytes(xt_udp{{0, 0xffff}, {low, high}, inverted}));
  };
  const auto to = [] { send_datagram<Family>(2000); };
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, udp(2000, 2000, 0), to), 1u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, udp(1999, 2001, 0), to), 1u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, udp(2001, 2002, 0), to), 0u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, udp(2001, 2002, XT_UDP_INV_DSTPT), to), 1u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, udp(0, 0xffff, XT_UDP_INV_SRCPT), to), 0u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, "", to), 0u);
}
TEST(FilterMatch, Udp) {
  with_filter([](int) {
    check_ports<V4>();
    check_ports<V6>();
  });
}

template <typename Family>
void check_tcp() {
  const auto tcp = [](uint8_t mask, uint8_t flags, uint8_t option, uint8_t inverted) {
    xt_tcp settings{};
    settings.spts[1] = settings.dpts[1] = 0xffff;
    settings.flg_mask = mask;
    settings.flg_cmp = flags;
    settings.option = option;
    settings.invflags = inverted;
    return extension("tcp", 0, bytes(settings));
  };
  const auto act = [] { send_syn<Family>(2000); };
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0, 0, 0, 0), act), 2u) << "the SYN and the reset";
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0x17, 0x02, 0, 0), act), 1u) << "--syn";
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0x17, 0x02, 0, XT_TCP_INV_FLAGS), act), 1u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0x04, 0x04, 0, 0), act), 1u) << "RST";
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0, 0, 2, 0), act), 1u) << "MSS";
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0, 0, 8, 0), act), 1u) << "time stamps";
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0, 0, 200, 0), act), 0u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_TCP, tcp(0, 0, 2, XT_TCP_INV_OPTION), act), 1u);
}
TEST(FilterMatch, Tcp) {
  with_filter([](int) {
    check_tcp<V4>();
    check_tcp<V6>();
  });
}

TEST(FilterMatch, Multiport) {
  with_filter([](int) {
    const auto ports = [](uint8_t which, std::vector<uint16_t> list, std::vector<uint8_t> ranges, uint8_t inverted = 0) {
      xt_multiport_v1 settings{};
      settings.flags = which;
      settings.count = static_cast<uint8_t>(list.size());
      std::copy(list.begin(), list.end(), settings.ports);
      std::copy(ranges.begin(), ranges.end(), settings.pflags);
      settings.invert = inverted;
      return extension("multiport", 1, bytes(settings));
    };
    const auto act = [] { send_datagram<V4>(2000); };
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {1, 2000}, {}), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {1, 1000}, {}), act), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_SOURCE, {1, 1000}, {}), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_EITHER, {1, 1000}, {}), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {7, 1990, 2010}, {0, 1, 0}), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {7, 1990, 1999}, {0, 1, 0}), act), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {7, 1990, 1999}, {0, 1, 0}, 1), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, ports(XT_MULTIPORT_DESTINATION, {}, {}, 1), act), 1u);
  });
}

template <typename Family>
void check_length(unsigned headers) {
  const auto length = [](unsigned least, unsigned most, uint8_t inverted) {
    return extension("length", 0, bytes(xt_length_info{static_cast<uint16_t>(least), static_cast<uint16_t>(most), inverted}));
  };
  const auto act = [] { send_datagram<Family>(2000, 100); };
  const unsigned size = headers + 108;
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, length(size, size, 0), act), 1u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, length(size + 1, 0xffff, 0), act), 0u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, length(0, size - 1, 0), act), 0u);
  EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, length(0, size - 1, 1), act), 1u);
}
TEST(FilterMatch, Length) {
  with_filter([](int) {
    check_length<V4>(20);
    check_length<V6>(40);
  });
}

template <typename Family>
void check_hops(const char* name) {
  const auto hops = [&](uint8_t mode, uint8_t value) { return extension(name, 0, bytes(ipt_ttl_info{mode, value})); };
  const auto act = [] { send_datagram<Family>(2000); };
  struct {
    uint8_t mode, value;
    uint64_t count;
  } const cases[] = {{IPT_TTL_EQ, 64, 1}, {IPT_TTL_EQ, 63, 0}, {IPT_TTL_NE, 64, 0}, {IPT_TTL_NE, 63, 1},
                     {IPT_TTL_LT, 64, 0}, {IPT_TTL_LT, 65, 1}, {IPT_TTL_GT, 64, 0}, {IPT_TTL_GT, 63, 1}};
  for (const auto& one : cases) {
    EXPECT_EQ(counted<Family>(kIn, IPPROTO_UDP, hops(one.mode, one.value), act), one.count)
        << name << int{one.mode} << ' ' << int{one.value};
  }
}
TEST(FilterMatch, TimeToLive) {
  with_filter([](int) {
    check_hops<V4>("ttl");
    check_hops<V6>("hl");
  });
}

TEST(FilterMatch, Icmp) {
  with_filter([](int) {
    const auto icmp = [](const char* name, uint8_t type, uint8_t low, uint8_t high, uint8_t inverted) {
      return extension(
          name, 0,
          std::string({static_cast<char>(type), static_cast<char>(low), static_cast<char>(high), static_cast<char>(inverted)}));
    };
    // Nobody listens: port unreachable comes back.
    const auto act4 = [] { send_datagram<V4>(2000); };
    const auto act6 = [] { send_datagram<V6>(2000); };
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_ICMP, icmp("icmp", 3, 3, 3, 0), act4), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_ICMP, icmp("icmp", 3, 0, 2, 0), act4), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_ICMP, icmp("icmp", 8, 0, 255, 0), act4), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_ICMP, icmp("icmp", 8, 0, 255, 1), act4), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_ICMP, icmp("icmp", 255, 0, 255, 0), act4), 1u) << "any";
    EXPECT_EQ(counted<V6>(kIn, IPPROTO_ICMPV6, icmp("icmp6", 1, 4, 4, 0), act6), 1u);
    EXPECT_EQ(counted<V6>(kIn, IPPROTO_ICMPV6, icmp("icmp6", 255, 0, 255, 0), act6), 0u) << "a type like others";
  });
}

TEST(FilterMatch, AddressType) {
  with_filter([](int) {
    const auto type = [](unsigned source, unsigned destination, unsigned flags) {
      return extension("addrtype", 1,
                       bytes(xt_addrtype_info_v1{static_cast<uint16_t>(source), static_cast<uint16_t>(destination), flags}));
    };
    const auto act = [] { send_datagram<V4>(2000); };
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(XT_ADDRTYPE_LOCAL, XT_ADDRTYPE_LOCAL, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_UNICAST, 0), act), 0u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_UNICAST, XT_ADDRTYPE_INVERT_DEST), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(XT_ADDRTYPE_LOCAL, 0, XT_ADDRTYPE_INVERT_SOURCE), act), 0u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_BROADCAST | XT_ADDRTYPE_LOCAL, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, XT_ADDRTYPE_LIMIT_IFACE_OUT), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, XT_ADDRTYPE_LIMIT_IFACE_IN), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, type(0, 0, 0), act), 1u);
  });
}

TEST(FilterMatch, AddressTypeOfIpv6IsByTheRoute) {
  with_filter([](int) {
    const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
    const auto type = [](unsigned source, unsigned destination, unsigned flags) {
      return extension("addrtype", 1,
                       bytes(xt_addrtype_info_v1{static_cast<uint16_t>(source), static_cast<uint16_t>(destination), flags}));
    };
    const auto act = [] { send_datagram<V6>(2000); };
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, 0), act), 1u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, XT_ADDRTYPE_INVERT_DEST), act), 0u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_UNICAST | XT_ADDRTYPE_LOCAL, 0), act), 1u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_MULTICAST, 0), act), 0u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_UNSPEC, 0), act), 0u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_UNREACHABLE, 0), act), 0u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, type(XT_ADDRTYPE_LOCAL, 0, XT_ADDRTYPE_INVERT_SOURCE), act), 0u);
    EXPECT_EQ(counted<V6>(kIn, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, XT_ADDRTYPE_LIMIT_IFACE_IN), act), 1u);
    for (const unsigned asked : {XT_ADDRTYPE_BROADCAST, XT_ADDRTYPE_BLACKHOLE, XT_ADDRTYPE_PROHIBIT, XT_ADDRTYPE_THROW}) {
      EXPECT_EQ(Table6("filter").hook(kIn, {Rule6(0, type(asked, 0, 0), verdict(kAccept))}).hook(kForward).hook(kOut).replace(fd),
                -EINVAL)
          << asked;
    }
  });
}

TEST(FilterMatch, AddressTypeOfRevisionZero) {
  with_filter([](int) {
    const auto type = [](unsigned source, unsigned destination, unsigned not_source, unsigned not_destination) {
      return extension("addrtype", 0,
                       bytes(xt_addrtype_info{static_cast<uint16_t>(source), static_cast<uint16_t>(destination), not_source,
                                              not_destination}));
    };
    const auto act = [] { send_datagram<V4>(2000); };
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, 0, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, XT_ADDRTYPE_LOCAL, 0, 1), act), 0u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(XT_ADDRTYPE_UNICAST, XT_ADDRTYPE_LOCAL, 1, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(XT_ADDRTYPE_UNICAST, 0, 0, 0), act), 0u);
  });
}

TEST(FilterMatch, AddressRange) {
  with_filter([](int) {
    const auto range = [](int family, const char* low, const char* high, unsigned flags) {
      xt_iprange_mtinfo settings{};
      inet_pton(family, low, &settings.dst_min);
      inet_pton(family, high, &settings.dst_max);
      settings.flags = static_cast<uint8_t>(flags);
      return extension("iprange", 1, bytes(settings));
    };
    const auto act4 = [] { send_datagram<V4>(2000); };
    const auto act6 = [] { send_datagram<V6>(2000); };
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, range(AF_INET, "127.0.0.1", "127.0.0.1", IPRANGE_DST), act4), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, range(AF_INET, "126.255.255.255", "128.0.0.0", IPRANGE_DST), act4), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, range(AF_INET, "127.0.0.2", "127.0.0.9", IPRANGE_DST), act4), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, range(AF_INET, "127.0.0.2", "127.0.0.9", IPRANGE_DST | IPRANGE_DST_INV), act4), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, range(AF_INET, "127.0.0.2", "127.0.0.9", 0), act4), 1u);
    EXPECT_EQ(counted<V6>(kIn, IPPROTO_UDP, range(AF_INET6, "::", "::ff", IPRANGE_DST), act6), 1u);
    EXPECT_EQ(counted<V6>(kIn, IPPROTO_UDP, range(AF_INET6, "::2", "ff::", IPRANGE_DST), act6), 0u);
  });
}

TEST(FilterMatch, TypeOfServiceAndClass) {
  with_filter([](int) {
    const auto tos = [](uint8_t mask, uint8_t value, uint8_t inverted) {
      return extension("tos", 1, bytes(std::array<uint8_t, 3>{mask, value, inverted}));
    };
    const auto dscp = [](uint8_t value, uint8_t inverted) {
      return extension("dscp", 0, bytes(std::array<uint8_t, 2>{value, inverted}));
    };
    const auto act = [] {
      const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
      const int service = 0xb8;
      ::setsockopt(fd, SOL_IP, IP_TOS, &service, sizeof service);
      const sockaddr_in to = loopback4(2000);
      ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    };
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, tos(0xff, 0xb8, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, tos(0xf0, 0xb0, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, tos(0xff, 0xb0, 0), act), 0u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, tos(0xff, 0xb0, 1), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, dscp(46, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, dscp(45, 0), act), 0u);
    EXPECT_EQ(counted<V6>(kOut, IPPROTO_UDP, tos(0xff, 0, 0), [] { send_datagram<V6>(2000); }), 1u);
  });
}

TEST(FilterMatch, PacketType) {
  with_filter([](int) {
    const auto type = [](int wanted, int inverted) { return extension("pkttype", 0, bytes(xt_pkttype_info{wanted, inverted})); };
    const auto act = [] { send_datagram<V4>(2000); };
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, type(0, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, type(0, 0), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, type(2, 0), act), 0u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, type(2, 1), act), 1u);
  });
}

TEST(FilterMatch, Statistic) {
  with_filter([](int) {
    const auto nth = [](unsigned every, unsigned packet, unsigned count, unsigned flags) {
      xt_statistic_info settings{};
      settings.mode = XT_STATISTIC_MODE_NTH;
      settings.flags = static_cast<uint16_t>(flags);
      settings.u.nth.every = every;
      settings.u.nth.packet = packet;
      settings.u.nth.count = count;
      return extension("statistic", 0, bytes(settings).substr(0, 16) + std::string(8, '\0'));
    };
    const auto random = [](unsigned probability) {
      xt_statistic_info settings{};
      settings.u.random.probability = probability;
      return extension("statistic", 0, bytes(settings).substr(0, 16) + std::string(8, '\0'));
    };
    const auto act = [] {
      for (int i = 0; i < 10; ++i) send_datagram<V4>(2000);
    };
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, nth(2, 0, 2, 0), act), 4u) << "1, 4, 7, 10";
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, nth(2, 0, 0, 0), act), 3u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, nth(2, 0, 0, 1), act), 7u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, nth(0, 0, 0, 0), act), 10u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, random(0), act), 0u);
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, random(0x80000000u), act), 10u);
  });
}

TEST(FilterMatch, CommentsAgreeWithEverything) {
  with_filter([](int) {
    const std::string comment = extension("comment", 0, std::string(256, 'c'));
    EXPECT_EQ(counted<V4>(kIn, 0, comment, [] { send_datagram<V4>(2000); }), 2u);
  });
}

TEST(FilterMatch, ALimitLetsABurstPassAndThenNoMore) {
  with_filter([](int) {
    const auto limit = [](unsigned average, unsigned burst) {
      xt_rateinfo settings{};
      settings.avg = average;
      settings.burst = burst;
      return extension("limit", 0, bytes(settings));
    };
    const auto act = [] {
      for (int i = 0; i < 20; ++i) send_datagram<V4>(2000);
    };
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, limit(XT_LIMIT_SCALE * 3600, 5), act), 5u) << "one an hour";
    EXPECT_EQ(counted<V4>(kOut, IPPROTO_UDP, limit(0, 1), act), 20u) << "nothing has a price";
  });
}

TEST(FilterMatch, SeveralMustAllAgree) {
  with_filter([](int) {
    const auto act = [] { send_datagram<V4>(2000); };
    const std::string comment = extension("comment", 0, std::string(256, 'c'));
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, to_udp_port(2000, 2000) + comment + has_mark(0), act), 1u);
    EXPECT_EQ(counted<V4>(kIn, IPPROTO_UDP, to_udp_port(2000, 2000) + comment + has_mark(1), act), 0u);
  });
}

// What the receiver of a datagram is told of it, after a target of mangle's OUTPUT or INPUT.
template <typename Family>
int told(int hook, const std::string& target, int option, int message_type, int sent_service) {
  const Fd control(::socket(Family::kFamily, SOCK_DGRAM, 0)), receiver(::socket(Family::kFamily, SOCK_DGRAM, 0)),
      sender(::socket(Family::kFamily, SOCK_DGRAM, 0));
  Table<Family> table("mangle");
  for (int each = 0; each < NF_INET_NUMHOOKS; ++each) {
    if (each == hook) {
      table.hook(each, {Rule<Family>(IPPROTO_UDP, "", target)});
    } else {
      table.hook(each);
    }
  }
  EXPECT_EQ(table.replace(control), 0);
  const sockaddr_in6 to = loopback<Family>(3000);
  EXPECT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const int on = 1;
  EXPECT_EQ(::setsockopt(receiver, Family::kLevel, option, &on, sizeof on), 0);
  EXPECT_EQ(::setsockopt(sender, Family::kLevel, Family::kFamily == AF_INET ? int{IP_TOS} : int{IPV6_TCLASS}, &sent_service,
                         sizeof sent_service),
            0);
  EXPECT_EQ(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
  char data[8], room[256];
  iovec vector{data, sizeof data};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  if (::recvmsg(receiver, &message, MSG_DONTWAIT) != 1) return -1;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == Family::kLevel && each->cmsg_type == message_type) return *CMSG_DATA(each);
  }
  return -2;
}

// IPT_TTL_SET and its kin: the kernel's two headers of that name guard themselves with the same word.
constexpr uint8_t kSet = 0, kIncrease = 1, kDecrease = 2;

TEST(FilterTarget, TimeToLive) {
  with_filter([](int) {
    const auto hops = [](const char* name, uint8_t mode, uint8_t value) {
      return extension(name, 0, bytes(std::array<uint8_t, 2>{mode, value}));
    };
    struct {
      uint8_t mode, value;
      int hops;
    } const cases[] = {{kSet, 9, 9}, {kIncrease, 5, 69}, {kIncrease, 250, 255}, {kDecrease, 4, 60}, {kSet, 64, 64}};
    for (const auto& one : cases) {
      for (const int hook : {NF_INET_LOCAL_OUT, NF_INET_LOCAL_IN, NF_INET_PRE_ROUTING}) {
        EXPECT_EQ(told<V4>(hook, hops("TTL", one.mode, one.value), IP_RECVTTL, IP_TTL, 0), one.hops) << hook;
        EXPECT_EQ(told<V6>(hook, hops("HL", one.mode, one.value), IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT, 0), one.hops) << hook;
      }
    }
  });
}

TEST(FilterTarget, TypeOfServiceAndClass) {
  with_filter([](int) {
    const std::string dscp = extension("DSCP", 0, std::string("\x2e", 1));
    const std::string tos = extension("TOS", 1, bytes(xt_tos_target_info{0x10, 0xf0}));
    for (const int hook : {NF_INET_LOCAL_OUT, NF_INET_LOCAL_IN, NF_INET_PRE_ROUTING}) {
      EXPECT_EQ(told<V4>(hook, dscp, IP_RECVTOS, IP_TOS, 0x42), 0xba) << hook;
      EXPECT_EQ(told<V6>(hook, dscp, IPV6_RECVTCLASS, IPV6_TCLASS, 0x42), 0xba) << hook;
      EXPECT_EQ(told<V4>(hook, tos, IP_RECVTOS, IP_TOS, 0x48), 0x18) << hook;
      EXPECT_EQ(told<V6>(hook, tos, IPV6_RECVTCLASS, IPV6_TCLASS, 0x48), 0x18) << hook;
    }
  });
}

TEST(FilterTarget, WhatTheyCannotDoIsRefused) {
  with_filter([](int fd) {
    const auto put = [&](const char* name, const std::string& target) {
      Table4 table(name);
      if (strcmp(name, "filter") == 0) return table.hook(kIn, {Rule4(target)}).hook(kForward).hook(kOut).replace(fd);
      return table.hook(0, {Rule4(target)}).hook(kIn).hook(kForward).hook(kOut).hook(4).replace(fd);
    };
    const std::string decrease = extension("TTL", 0, std::string("\x02\x01", 2));
    EXPECT_EQ(put("mangle", decrease), 0);
    EXPECT_EQ(put("filter", decrease), -EINVAL) << "of the table mangle";
    EXPECT_EQ(put("mangle", extension("TTL", 0, std::string("\x02\x00", 2))), -EINVAL);
    EXPECT_EQ(put("mangle", extension("TTL", 0, std::string("\x03\x01", 2))), -EINVAL);
    EXPECT_EQ(put("mangle", extension("DSCP", 0, std::string("\x40", 1))), -EDOM);
    EXPECT_EQ(put("mangle", extension("HL", 0, std::string("\x02\x01", 2))), -ENOENT);
  });
}

TEST(FilterMatch, WhereTheyMayNotStandTheyAreRefused) {
  with_filter([](int fd) {
    const auto put = [&](const char* name, int protocol, const std::string& wants, const std::string& does,
                         uint8_t inverted = 0) {
      Rule4 rule(protocol, wants, does);
      rule.entry.ip.invflags = inverted;
      Table4 table(name);
      if (strcmp(name, "filter") == 0) return table.hook(kIn, {rule}).hook(kForward).hook(kOut).replace(fd);
      return table.hook(NF_INET_PRE_ROUTING, {rule}).hook(kOut).replace(fd);
    };
    EXPECT_EQ(put("filter", 0, to_udp_port(1, 1), verdict(kDrop)), -EINVAL) << "of another protocol";
    EXPECT_EQ(put("filter", IPPROTO_UDP, to_udp_port(1, 1), verdict(kDrop), IPT_INV_PROTO), -EINVAL);
    EXPECT_EQ(put("filter", IPPROTO_UDP, extension("udp", 1, std::string(10, '\0')), verdict(kDrop)), -ENOENT) << "a revision";
    EXPECT_EQ(put("filter", 0, extension("mark", 7, std::string(12, '\0')), verdict(kDrop)), -EPROTOTYPE);
    EXPECT_EQ(put("filter", 0, extension("nonsense", 0, ""), verdict(kDrop)), -ENOENT);
    EXPECT_EQ(put("filter", 0, "", extension("NONSENSE", 0, "")), -ENOENT);
    EXPECT_EQ(put("filter", IPPROTO_UDP, "", reject(IPT_TCP_RESET)), -EINVAL);
    EXPECT_EQ(put("filter", 0, "", reject(IPT_ICMP_ECHOREPLY)), -EINVAL);
    EXPECT_EQ(put("raw", 0, "", reject(IPT_ICMP_PORT_UNREACHABLE)), -EINVAL) << "of the table filter";
    EXPECT_EQ(put("raw", 0, "", verdict(kDrop)), 0);
    EXPECT_EQ(Table4("nonsense").hook(kIn).replace(fd), -EINVAL) << "no counters";
    Table4 other("filter");
    EXPECT_EQ(other.hook(kIn).hook(kOut).replace(fd), -EINVAL) << "other hooks than the table has";
  });
}

TEST(FilterMatch, RevisionsAreAskedFor) {
  with_filter([](int fd) {
    const auto ask = [&](int option, const char* name, int revision) {
      xt_get_revision asked{};
      strcpy(asked.name, name);
      asked.revision = static_cast<uint8_t>(revision);
      socklen_t length = sizeof asked;
      return answer(::getsockopt(fd, SOL_IP, option, &asked, &length));
    };
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_MATCH, "udp", 0), 0);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_MATCH, "udp", 1), -EPROTONOSUPPORT);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_MATCH, "multiport", 1), 0);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_MATCH, "mark", 1), 0);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_MATCH, "nonsense", 0), -ENOENT);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_TARGET, "REJECT", 0), 0);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_TARGET, "MARK", 2), 0);
    EXPECT_EQ(ask(IPT_SO_GET_REVISION_TARGET, "udp", 0), -ENOENT);
  });
}

}  // namespace
}  // namespace conformance
