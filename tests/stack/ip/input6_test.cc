// What comes in over IPv6, and what is said about it.
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

class Input6 : public ::testing::Test {
 protected:
  Ipv6PacketHeader header(IpProtocol next = IpProtocol::Icmpv6) {
    return {.source = bench.kPeer6, .destination = bench.kOwn6, .next_header = next};
  }
  Bytes echo() { return icmp6_message(bench.kPeer6, bench.kOwn6, Icmp6Message::echo(Icmp6Type::EchoRequest, 5, 6), pattern(20)); }
  Bytes reply() { return icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::echo(Icmp6Type::EchoReply, 5, 6), pattern(20)); }
  Bytes problem(Icmp6ParameterProblem code, uint32_t pointer, const Bytes& about) {
    return icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::parameter_problem(code, pointer), about);
  }
  void expect_silence(const Bytes& packet, DropReason reason) {
    const uint64_t before = bench.drops(reason);
    bench.inject(packet);
    EXPECT_EQ(bench.drops(reason), before + 1) << drop_reason_name(reason);
    EXPECT_TRUE(bench.take_sent().empty());
  }

  IpBench bench;
};

TEST_F(Input6, AnEchoRequestIsAnsweredAlsoBehindExtensionHeaders) {
  bench.inject(v6_packet(header(), echo()));
  const Bytes plain = bench.take_one();
  EXPECT_EQ(v6_header(plain).hop_limit, 64);
  EXPECT_EQ(from(plain, 40), reply());
  const Bytes chain = {60, 0, 1, 4, 0, 0, 0, 0,   // hop-by-hop
                       43, 0, 1, 4, 0, 0, 0, 0,   // destination options
                       58, 0, 0, 0, 0, 0, 0, 0};  // a routing header with no segment left
  bench.inject(v6_packet(header(IpProtocol::HopByHop), chain + echo()));
  EXPECT_EQ(from(bench.take_one(), 40), reply());
}

TEST_F(Input6, APingToAllNodesIsAnsweredFromOurAddress) {
  Ipv6PacketHeader to_all = header();
  to_all.destination = Ipv6Address::all_nodes();
  bench.inject(v6_packet(
      to_all, icmp6_message(bench.kPeer6, to_all.destination, Icmp6Message::echo(Icmp6Type::EchoRequest, 5, 6), pattern(20))));
  const Bytes answer = bench.take_one();
  EXPECT_EQ(v6_header(answer).source, bench.kOwn6);
  EXPECT_EQ(from(answer, 40), reply());
}

TEST_F(Input6, AnUnknownHeaderIsPointedAt) {
  const Bytes packet = v6_packet(header(IpProtocol{253}), pattern(10));
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 40), problem(Icmp6ParameterProblem::NextHeader, 6, packet));
  const Bytes behind = v6_packet(header(IpProtocol::DestinationOptions), Bytes{253, 0, 1, 4, 0, 0, 0, 0} + pattern(10));
  bench.inject(behind);
  EXPECT_EQ(from(bench.take_one(), 40), problem(Icmp6ParameterProblem::NextHeader, 40, behind));
}

TEST_F(Input6, UnknownOptionsAreTreatedByTheirTwoBits) {
  const auto with_option = [&](uint8_t option) {
    return v6_packet(header(IpProtocol::DestinationOptions), Bytes{58, 0, option, 4, 0, 0, 0, 0} + echo());
  };
  bench.inject(with_option(0x1e));
  EXPECT_EQ(from(bench.take_one(), 40), reply()) << "00: passed over";
  expect_silence(with_option(0x5e), DropReason::IpExtension);
  for (const uint8_t option : {uint8_t{0x9e}, uint8_t{0xde}}) {
    const Bytes packet = with_option(option);
    bench.inject(packet);
    EXPECT_EQ(from(bench.take_one(), 40), problem(Icmp6ParameterProblem::Option, 42, packet));
  }
}

TEST_F(Input6, ASourceRouteIsRefused) {
  const Bytes packet = v6_packet(header(IpProtocol::Routing), Bytes{58, 2, 0, 1, 0, 0, 0, 0} + Bytes(16, 0x20) + echo());
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 40), problem(Icmp6ParameterProblem::HeaderField, 42, packet));
}

TEST_F(Input6, WhatCannotBeOnAWireIsDropped) {
  Ipv6PacketHeader wrong = header();
  wrong.source = Ipv6Address::loopback();
  expect_silence(v6_packet(wrong, echo()), DropReason::IpMartianSource);
  wrong.source = Ipv6Address(0xff02, 0, 0, 0, 0, 0, 0, 9);
  expect_silence(v6_packet(wrong, echo()), DropReason::IpMartianSource);
  wrong = header();
  wrong.destination = Ipv6Address::loopback();
  expect_silence(v6_packet(wrong, echo()), DropReason::IpMartianSource);
  wrong.destination = Ipv6Address::interface_local_all_nodes();
  expect_silence(v6_packet(wrong, echo()), DropReason::IpMartianSource);
  wrong.destination = Ipv6Address(0xff00, 0, 0, 0, 0, 0, 0, 1);
  expect_silence(v6_packet(wrong, echo()), DropReason::IpMartianSource);
  wrong.destination = Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x99);
  expect_silence(v6_packet(wrong, echo()), DropReason::NotForUs);
}

TEST_F(Input6, TruncatedPacketsAreDroppedAtAnyLength) {
  const Bytes whole =
      v6_packet(header(IpProtocol::HopByHop), Bytes{60, 0, 1, 4, 0, 0, 0, 0} + Bytes{58, 0, 1, 4, 0, 0, 0, 0} + echo());
  for (size_t size = 1; size < whole.size(); ++size) {
    // Cut on the wire, and cut with a length that agrees.
    bench.inject(part(whole, 0, size));
    if (size < 40) continue;
    Bytes shorter = part(whole, 0, size);
    shorter[4] = static_cast<uint8_t>((size - 40) >> 8);
    shorter[5] = static_cast<uint8_t>(size - 40);
    bench.inject(shorter);
  }
  EXPECT_TRUE(bench.take_sent().empty());
  bench.inject(whole);
  EXPECT_EQ(from(bench.take_one(), 40), reply());
}

TEST_F(Input6, NoErrorAnswersAnErrorOrAPacketToMany) {
  const Bytes error = icmp6_message(bench.kPeer6, bench.kOwn6, Icmp6Message::unreachable(Icmp6Unreachable::Port), pattern(60));
  bench.inject(v6_packet(header(), error));
  bench.inject(v6_packet(header(IpProtocol::DestinationOptions), Bytes{58, 0, 0x9e, 4, 0, 0, 0, 0} + error));
  Ipv6PacketHeader to_all = header(IpProtocol{253});
  to_all.destination = Ipv6Address::all_nodes();
  bench.inject(v6_packet(to_all, pattern(20)));
  EXPECT_TRUE(bench.take_sent().empty());
  // An unknown option whose bits ask for it is answered even there.
  to_all.next_header = IpProtocol::DestinationOptions;
  const Bytes asks = v6_packet(to_all, Bytes{59, 0, 0x9e, 4, 0, 0, 0, 0});
  bench.inject(asks);
  EXPECT_EQ(from(bench.take_one(), 40), problem(Icmp6ParameterProblem::Option, 42, asks));
}

TEST_F(Input6, AWrongChecksumIsCountedAndDropped) {
  Bytes message = echo();
  message[10] ^= 4;
  expect_silence(v6_packet(header(), message), DropReason::IcmpChecksum);
  EXPECT_EQ(bench.mib(Mib::Icmp6InCsumErrors), 1u);
}

}  // namespace
}  // namespace lxnet
