// A router between two links: what goes on, what does not, and what is said about it.
#include "stack/ip/transport.hh"
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

class Forward : public ::testing::Test {
 protected:
  Forward() {
    far.change_capabilities().mtu = 1280;
    far_interface = bench.add_device(far, "ip1", Ipv4Address(10, 0, 1, 1), 24, Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1), 64);
    EXPECT_TRUE(bench.stack->tunables().set("net.ipv4.ip_forward", "1").is_ok());
    EXPECT_TRUE(bench.stack->tunables().set("net.ipv6.conf.all.forwarding", "1").is_ok());
    bench.settle();
    far.sent.clear();
  }
  ~Forward() override { far_interface = nullptr; }
  Ipv4PacketHeader header4() {
    return {.source = IpBench::kPeer4,
            .destination = Ipv4Address(10, 0, 1, 9),
            .protocol = IpProtocol::Udp,
            .time_to_live = 9,
            .identification = 5};
  }
  Ipv6PacketHeader header6() {
    return {.source = bench.kPeer6,
            .destination = Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9),
            .next_header = IpProtocol::Udp,
            .hop_limit = 9};
  }
  std::vector<Bytes> take_far() { return std::exchange(far.sent, {}); }

  WireDevice far;
  IpBench bench;
  Ref<Interface> far_interface;
};

TEST_F(Forward, APacketGoesOnWithOneHopLess) {
  bench.inject(v4_packet(header4(), pattern(100)));
  std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(v4_header(out[0]).time_to_live, 8);
  EXPECT_TRUE(Ipv4Header::is_checksum_valid(out[0], 20));
  EXPECT_EQ(from(out[0], 20), pattern(100));
  bench.inject(v6_packet(header6(), pattern(100)));
  out = take_far();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(v6_header(out[0]).hop_limit, 8);
  EXPECT_EQ(from(out[0], 40), pattern(100));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_EQ(bench.mib(Mib::IpForwDatagrams), 1u);
  EXPECT_EQ(bench.mib(Mib::Ip6OutForwDatagrams), 1u);
}

TEST_F(Forward, TheLastHopIsToldToTheSender) {
  Ipv4PacketHeader header = header4();
  header.time_to_live = 1;
  const Bytes packet = v4_packet(header, pattern(60));
  bench.inject(packet);
  Bytes error = bench.take_one();
  EXPECT_EQ(v4_header(error).source, IpBench::kOwn4);
  EXPECT_EQ(from(error, 20), icmp4_message(Icmp4Message::time_exceeded(Icmp4TimeExceeded::InTransit), packet));
  Ipv6PacketHeader header_6 = header6();
  header_6.hop_limit = 1;
  const Bytes packet6 = v6_packet(header_6, pattern(60));
  bench.inject(packet6);
  error = bench.take_one();
  EXPECT_EQ(from(error, 40),
            icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::time_exceeded(Icmp6TimeExceeded::HopLimit), packet6));
  EXPECT_TRUE(take_far().empty());
}

TEST_F(Forward, APacketTooLargeIsCutOrItsSenderIsTold) {
  bench.inject(v4_packet(header4(), pattern(1400)));
  const std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(from(out[0], 20) + from(out[1], 20), pattern(1400));
  EXPECT_EQ(v4_header(out[1]).identification.get(), 5);

  Ipv4PacketHeader header = header4();
  header.dont_fragment = true;
  const Bytes packet = v4_packet(header, pattern(1400));
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 20),
            icmp4_message(Icmp4Message::unreachable(Icmp4Unreachable::FragmentationNeeded, 1280), part(packet, 0, 548)));

  const Bytes packet6 = v6_packet(header6(), pattern(1400));
  bench.inject(packet6);
  EXPECT_EQ(from(bench.take_one(), 40),
            icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::packet_too_big(1280), part(packet6, 0, 1232)));
  EXPECT_TRUE(take_far().empty());
}

TEST_F(Forward, WhatHasNoRouteIsUnreachable) {
  Ipv4PacketHeader header = header4();
  header.destination = Ipv4Address(192, 0, 2, 1);
  const Bytes packet = v4_packet(header, pattern(20));
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 20), icmp4_message(Icmp4Message::unreachable(Icmp4Unreachable::Network), packet));
  Ipv6PacketHeader header_6 = header6();
  header_6.destination = Ipv6Address(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
  const Bytes packet6 = v6_packet(header_6, pattern(20));
  bench.inject(packet6);
  EXPECT_EQ(from(bench.take_one(), 40),
            icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::unreachable(Icmp6Unreachable::NoRoute), packet6));
}

TEST_F(Forward, LinkLocalAndMulticastStayOnTheirLink) {
  Ipv6PacketHeader header = header6();
  header.source = Ipv6Address(0xfe80, 0, 0, 0, 0, 0, 0, 2);
  bench.inject(v6_packet(header, pattern(20)));
  header.source = bench.kPeer6;
  header.destination = Ipv6Address(0xff0e, 0, 0, 0, 0, 0, 0, 0x99);
  bench.inject(v6_packet(header, pattern(20)));
  Ipv4PacketHeader header_4 = header4();
  header_4.destination = Ipv4Address(239, 1, 2, 3);
  bench.inject(v4_packet(header_4, pattern(20)));
  EXPECT_TRUE(take_far().empty());
}

TEST_F(Forward, RecordRouteShowsTheAddressItLeftFrom) {
  Ipv4PacketHeader header = header4();
  const Bytes options = {7, 7, 4, 0, 0, 0, 0, 0};
  header.options = options;
  bench.inject(v4_packet(header, pattern(20)));
  const std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(part(out[0], 20, 7), (Bytes{7, 7, 8, 10, 0, 1, 1}));
  EXPECT_TRUE(Ipv4Header::is_checksum_valid(out[0], 28));
}

TEST_F(Forward, ErrorsAreLimitedPerReceiver) {
  Ipv4PacketHeader header = header4();
  header.time_to_live = 1;
  for (int i = 0; i < 40; ++i) bench.inject(v4_packet(header, pattern(20)));
  EXPECT_EQ(bench.take_sent().size(), 6u);
  EXPECT_EQ(bench.mib(Mib::IcmpOutRateLimitHost), 34u);
  bench.advance(Duration::seconds(1));
  for (int i = 0; i < 40; ++i) bench.inject(v4_packet(header, pattern(20)));
  EXPECT_EQ(bench.take_sent().size(), 1u);
}

TEST_F(Forward, ErrorsAreLimitedForEverybodyTogether) {
  Ipv4PacketHeader header = header4();
  header.time_to_live = 1;
  for (uint8_t i = 2; i < 250; ++i) {
    header.source = Ipv4Address(10, 0, 0, i);
    bench.inject(v4_packet(header, pattern(20)));
  }
  const size_t sent = bench.take_sent().size();
  // A burst of 50 whose messages cost 0 to 2 each.
  EXPECT_GE(sent, 25u);
  EXPECT_LE(sent, 120u);
  EXPECT_GT(bench.mib(Mib::IcmpOutRateLimitGlobal), 0u);
}

TEST_F(Forward, ErrorsToOurselvesAreNotLimited) {
  Entry entry(*bench.stack);
  const Bytes packet = v4_packet(
      {.source = Ipv4Address::loopback(), .destination = Ipv4Address::loopback(), .protocol = IpProtocol{253}}, pattern(20));
  for (int i = 0; i < 300; ++i) {
    Ref<Packet> looped = Packet::create(bench.stack->pool()).take();
    EXPECT_TRUE(looped->append_copy(packet).is_ok());
    looped->link_protocol = 0x0800;
    looped->is_routed_to_us = true;
    entry.loop_back(bench.stack->interfaces().loopback(), std::move(looped));
    entry.flush();
  }
  EXPECT_EQ(bench.mib(Mib::IcmpOutDestUnreachs), 300u);
}

// ---- path MTU

TEST_F(Forward, APathsMtuIsLearntForgottenAndBounded) {
  Entry entry(*bench.stack);
  const Ipv4Address target(10, 0, 0, 77);
  const auto mtu = [&] { return bench.stack->routes().lookup(entry, {.destination = target}).take(); };
  IpError error{.origin = IpError::Origin::Icmp4,
                .type = 3,
                .code = 4,
                .error = Errno::EMSGSIZE,
                .info = 1000,
                .source = IpBench::kOwn4,
                .destination = target};
  const uint32_t generation = bench.stack->routes().generation();
  EXPECT_TRUE(learn_path_mtu(entry, error));
  EXPECT_NE(bench.stack->routes().generation(), generation);
  EXPECT_EQ(mtu().mtu, 1000u);
  EXPECT_FALSE(mtu().is_mtu_locked);
  error.info = 1200;  // wider again: not by an error
  EXPECT_FALSE(learn_path_mtu(entry, error));
  EXPECT_EQ(mtu().mtu, 1000u);
  error.info = 60;
  EXPECT_TRUE(learn_path_mtu(entry, error));
  EXPECT_EQ(mtu().mtu, 552u);
  EXPECT_TRUE(mtu().is_mtu_locked);
  bench.advance(Duration::seconds(601));
  entry.refresh_clock();
  EXPECT_EQ(mtu().mtu, 1500u);
  EXPECT_EQ(bench.stack->ip().path_mtus().size(), 0u);
}

TEST_F(Forward, APathsMtuIsNeverBelow1280ForIpv6) {
  Entry entry(*bench.stack);
  const IpError error{.origin = IpError::Origin::Icmp6,
                      .type = 2,
                      .error = Errno::EMSGSIZE,
                      .info = 600,
                      .source = bench.kOwn6,
                      .destination = bench.kPeer6};
  EXPECT_TRUE(learn_path_mtu(entry, error));
  const Route route = bench.stack->routes().lookup(entry, {.destination = bench.kPeer6}).take();
  EXPECT_EQ(route.mtu, 1280u);
  EXPECT_FALSE(route.is_mtu_locked);
}

}  // namespace
}  // namespace lxnet
