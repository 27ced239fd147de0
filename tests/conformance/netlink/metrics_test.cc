// What a route says of its path, and what TCP makes of it.
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>

#include <utility>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

using Metrics = std::vector<std::pair<unsigned short, unsigned>>;

std::string metrics_of(const Metrics& metrics) {
  std::string nested;
  for (const auto& [number, value] : metrics) nested += attribute(number, bytes(value));
  return attribute(RTA_METRICS, nested);
}

// A host of our own.
std::string to_host(const char* address, const std::string& metrics) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_dst_len = 32;
  message.rtm_table = RT_TABLE_LOCAL;
  message.rtm_protocol = RTPROT_BOOT;
  message.rtm_scope = RT_SCOPE_HOST;
  message.rtm_type = RTN_LOCAL;
  return bytes(message) + attribute(RTA_DST, ip(address)) + attribute(RTA_OIF, bytes(1u)) + metrics;
}

std::string network(const std::string& metrics) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_dst_len = 16;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_BOOT;
  message.rtm_scope = RT_SCOPE_LINK;
  message.rtm_type = RTN_UNICAST;
  return bytes(message) + attribute(RTA_DST, ip("10.2.0.0")) + attribute(RTA_OIF, bytes(1u)) + metrics;
}

std::string shown_metrics(Route& netlink) {
  rtmsg all{};
  all.rtm_family = AF_INET;
  for (const Message& message : netlink.dump(RTM_GETROUTE, bytes(all))) {
    if (message.find(sizeof all, RTA_DST) == ip("10.2.0.0")) return message.find(sizeof all, RTA_METRICS);
  }
  return "no route";
}

TEST(RouteMetricsTest, AllAreShownAsTheyWereGiven) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    const Metrics given = {{RTAX_LOCK, 1u << RTAX_RTO_MIN},
                           {RTAX_MTU, 1400},
                           {RTAX_WINDOW, 5000},
                           {RTAX_RTT, 800},
                           {RTAX_RTTVAR, 40},
                           {RTAX_SSTHRESH, 20},
                           {RTAX_CWND, 5},
                           {RTAX_ADVMSS, 1000},
                           {RTAX_REORDERING, 7},
                           {RTAX_HOPLIMIT, 9},
                           {RTAX_INITCWND, 20},
                           {RTAX_FEATURES, RTAX_FEATURE_ECN},
                           {RTAX_RTO_MIN, 50},
                           {RTAX_INITRWND, 30},
                           {RTAX_QUICKACK, 1},
                           {RTAX_FASTOPEN_NO_COOKIE, 1}};
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, network(metrics_of(given))), 0);
    EXPECT_EQ(shown_metrics(netlink), metrics_of(given).substr(sizeof(rtattr)));
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, NLM_F_REPLACE,
                              network(attribute(RTA_METRICS, attribute(RTAX_CC_ALGO, std::string("reno\0", 5))))),
              0);
    EXPECT_EQ(shown_metrics(netlink), attribute(RTAX_CC_ALGO, std::string("reno\0", 5)));
  });
}

TEST(RouteMetricsTest, WhatIsTooLargeIsCutAndWhatIsNotOneIsRefused) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    const auto add = [&](const std::string& metrics) {
      return netlink.request(RTM_NEWROUTE, kNew, network(attribute(RTA_METRICS, metrics)));
    };
    EXPECT_EQ(add(attribute(RTAX_MAX + 1, bytes(1u))), -EINVAL);
    EXPECT_EQ(add(attribute(RTAX_WINDOW, "abc")), -EINVAL);
    EXPECT_EQ(add(attribute(RTAX_WINDOW, bytes(uint64_t{1}))), -EINVAL);
    EXPECT_EQ(add(attribute(RTAX_FEATURES, bytes(0x100u))), -EINVAL);
    EXPECT_EQ(add(attribute(RTAX_CC_ALGO, std::string("nobody knows it\0", 16))), -EINVAL);
    EXPECT_EQ(add(attribute(0, "x") + attribute(RTAX_ADVMSS, bytes(70000u)) + attribute(RTAX_MTU, bytes(70000u)) +
                  attribute(RTAX_HOPLIMIT, bytes(300u))),
              0);
    EXPECT_EQ(shown_metrics(netlink),
              metrics_of({{RTAX_MTU, 65520}, {RTAX_ADVMSS, 65495}, {RTAX_HOPLIMIT, 255}}).substr(sizeof(rtattr)));
  });
}

struct Pair {
  Fd client, server;
};

sockaddr_in name_of(const char* address, uint16_t port = 0) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = port;
  inet_pton(AF_INET, address, &name.sin_addr);
  return name;
}

// One end at 127.0.0.1; the other at 127.0.0.2, which the route under test leads to.
Pair connect_from(const char* client, const char* server) {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in name = name_of(server), from = name_of(client);
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  Pair pair{Fd(::socket(AF_INET, SOCK_STREAM, 0)), Fd(-1)};
  EXPECT_EQ(::bind(pair.client, reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  EXPECT_EQ(::connect(pair.client, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  pair.server = Fd(::accept(listener, nullptr, nullptr));
  return pair;
}
Pair connect_to_route() { return connect_from("127.0.0.1", "127.0.0.2"); }
Pair accept_from_route() { return connect_from("127.0.0.2", "127.0.0.1"); }

tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info;
}
std::string congestion_of(int fd) {
  char name[16] = {};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
  return name;
}

void with_route(const std::string& metrics, const std::function<void()>& body) {
  in_new_network([&] {
    Route netlink;
    bring_up(netlink);
    ASSERT_EQ(netlink.request(RTM_NEWROUTE, kNew, to_host("127.0.0.2", metrics)), 0);
    body();
  });
}

TEST(RouteMetricsTest, TheFirstWindowIsTheRoutes) {
  with_route(metrics_of({{RTAX_INITCWND, 4}}), [] {
    const Pair out = connect_to_route();
    EXPECT_EQ(info_of(out.client).tcpi_snd_cwnd, 4u);
    EXPECT_EQ(info_of(out.server).tcpi_snd_cwnd, 10u);
    EXPECT_EQ(info_of(accept_from_route().server).tcpi_snd_cwnd, 4u);
  });
}

TEST(RouteMetricsTest, TheSegmentAnnouncedIsTheRoutes) {
  with_route(metrics_of({{RTAX_ADVMSS, 1000}}), [] {
    const Pair out = connect_to_route();
    EXPECT_EQ(info_of(out.client).tcpi_advmss, 1000u - 12);
    EXPECT_EQ(info_of(out.server).tcpi_snd_mss, 1000u - 12);
    EXPECT_EQ(info_of(accept_from_route().server).tcpi_advmss, 1000u - 12);
  });
}

TEST(RouteMetricsTest, TheWindowAnnouncedFirstIsTheRoutes) {
  with_route(metrics_of({{RTAX_ADVMSS, 1000}, {RTAX_INITRWND, 5}}), [] {
    EXPECT_EQ(info_of(connect_to_route().client).tcpi_rcv_ssthresh, 5000u);
    EXPECT_EQ(info_of(accept_from_route().server).tcpi_rcv_ssthresh, 5u * 988);
  });
}

TEST(RouteMetricsTest, NoWindowIsLargerThanTheRoutes) {
  with_route(metrics_of({{RTAX_ADVMSS, 1000}, {RTAX_WINDOW, 8000}}), [] {
    EXPECT_LE(info_of(connect_to_route().client).tcpi_rcv_ssthresh, 8000u);
    EXPECT_LE(info_of(accept_from_route().server).tcpi_rcv_ssthresh, 8000u);
  });
}

TEST(RouteMetricsTest, ALockedLeastTimeoutIsObeyed) {
  with_route(metrics_of({{RTAX_LOCK, 1u << RTAX_RTO_MIN}, {RTAX_RTO_MIN, 40}}), [] {
    EXPECT_LT(info_of(connect_to_route().client).tcpi_rto, 100'000u);
    EXPECT_LT(info_of(accept_from_route().server).tcpi_rto, 100'000u);
  });
  with_route(metrics_of({{RTAX_RTO_MIN, 40}}), [] { EXPECT_GE(info_of(connect_to_route().client).tcpi_rto, 200'000u); });
}

TEST(RouteMetricsTest, CongestionIsControlledAsTheRouteSays) {
  const std::string reno = attribute(RTAX_CC_ALGO, std::string("reno\0", 5));
  with_route(attribute(RTA_METRICS, reno), [] {
    const Pair out = connect_to_route();
    EXPECT_EQ(congestion_of(out.client), "reno");
    EXPECT_EQ(congestion_of(accept_from_route().server), "reno");
    EXPECT_EQ(::setsockopt(out.client, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
  });
  with_route(attribute(RTA_METRICS, attribute(RTAX_LOCK, bytes(1u << RTAX_CC_ALGO)) + reno), [] {
    const Pair out = connect_to_route();
    EXPECT_EQ(::setsockopt(out.client, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(congestion_of(out.client), "reno");
  });
}

TEST(RouteMetricsTest, EcnIsOfferedWhereTheRouteSaysSo) {
  with_route(metrics_of({{RTAX_FEATURES, RTAX_FEATURE_ECN}}), [] {
    const Pair out = connect_to_route();
    EXPECT_NE(info_of(out.client).tcpi_options & TCPI_OPT_ECN, 0);
    EXPECT_NE(info_of(out.server).tcpi_options & TCPI_OPT_ECN, 0);
    EXPECT_EQ(info_of(accept_from_route().server).tcpi_options & TCPI_OPT_ECN, 0);
  });
}

// One whose end leaves something to remember.
void connect_and_close() {
  const Pair pair = connect_to_route();
  EXPECT_EQ(::send(pair.client, "x", 1, 0), 1);
  char byte;
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 1);
}

TEST(RouteMetricsTest, FromTheSecondConnectionOnTheRoutesTimesAreThoseOfThePeer) {
  with_route(metrics_of({{RTAX_RTT, 8 * 800}, {RTAX_REORDERING, 7}}), [] {
    const tcp_info first = info_of(connect_to_route().client);
    EXPECT_LT(first.tcpi_rto, 300'000u);
    EXPECT_EQ(first.tcpi_reordering, 3u);
    // An eighth nearer to what was measured.
    const tcp_info second = info_of(connect_to_route().client);
    EXPECT_GE(second.tcpi_rto, 2'080'000u);
    EXPECT_LE(second.tcpi_rto, 2'110'000u);
    EXPECT_EQ(second.tcpi_reordering, 7u);
    EXPECT_LT(second.tcpi_rtt, 100'000u);
  });
  with_route(metrics_of({{RTAX_LOCK, 1u << RTAX_RTT}, {RTAX_RTT, 8 * 300}}), [] {
    for (int i = 0; i < 3; ++i) connect_and_close();
    EXPECT_EQ(info_of(connect_to_route().client).tcpi_rto, 900'000u);
    EXPECT_LT(info_of(accept_from_route().client).tcpi_rto, 300'000u);
  });
}

TEST(RouteMetricsTest, ALockedWindowIsNeverPassed) {
  with_route(metrics_of({{RTAX_LOCK, 1u << RTAX_CWND}, {RTAX_CWND, 5}}), [] {
    EXPECT_EQ(info_of(connect_to_route().client).tcpi_snd_cwnd, 10u);
    EXPECT_EQ(info_of(connect_to_route().client).tcpi_snd_cwnd, 5u);
  });
}

TEST(RouteMetricsTest, AThresholdCountsWhereOnesAreSaved) {
  with_route(metrics_of({{RTAX_SSTHRESH, 20}}), [] {
    connect_and_close();
    EXPECT_EQ(info_of(connect_to_route().client).tcpi_snd_ssthresh, 0x7fffffffu);
    const Fd saves(::open("/proc/sys/net/ipv4/tcp_no_ssthresh_metrics_save", O_WRONLY));
    ASSERT_EQ(::write(saves, "0", 1), 1);
    // The algorithm of the host's may have another idea.
    const std::string algorithm = congestion_of(connect_to_route().client);
    if (algorithm != "bbr") {
      EXPECT_EQ(info_of(connect_to_route().client).tcpi_snd_ssthresh, 20u);
    }
  });
}

// Whether a datagram to the route leaves with DF.
bool leaves_whole() {
  Fd tap(::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP))), udp(::socket(AF_INET, SOCK_DGRAM, 0));
  const sockaddr_in to = name_of("127.0.0.2", htons(9));
  EXPECT_EQ(::sendto(udp, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
  uint8_t header[20] = {};
  EXPECT_GE(::recv(tap, header, sizeof header, 0), 20);
  return (header[6] & 0x40) != 0;
}

TEST(RouteMetricsTest, WhereTheMtuIsLockedDatagramsMayBeCut) {
  with_route(metrics_of({{RTAX_MTU, 1000}}), [] { EXPECT_TRUE(leaves_whole()); });
  with_route(metrics_of({{RTAX_LOCK, 1u << RTAX_MTU}, {RTAX_MTU, 1000}}), [] { EXPECT_FALSE(leaves_whole()); });
}

}  // namespace
}  // namespace conformance
