// What comes in over IPv4, and what is said about it.
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

class Input4 : public ::testing::Test {
 protected:
  Ipv4PacketHeader header(IpProtocol protocol = IpProtocol::Icmp) {
    return {.source = IpBench::kPeer4, .destination = IpBench::kOwn4, .protocol = protocol, .identification = 77};
  }
  Bytes echo(size_t size = 20) { return icmp4_message(Icmp4Message::echo(Icmp4Type::Echo, 5, 6), pattern(size)); }
  Bytes echo_reply(size_t size = 20) { return icmp4_message(Icmp4Message::echo(Icmp4Type::EchoReply, 5, 6), pattern(size)); }

  IpBench bench;
};

TEST_F(Input4, AnEchoRequestIsAnsweredWithItsData) {
  Ipv4PacketHeader request = header();
  request.type_of_service = 0x28;
  bench.inject(v4_packet(request, echo(33)));
  const Bytes reply = bench.take_one();
  EXPECT_EQ(v4_header(reply).source, IpBench::kOwn4);
  EXPECT_EQ(v4_header(reply).destination, IpBench::kPeer4);
  EXPECT_EQ(v4_header(reply).time_to_live, 64);
  EXPECT_EQ(v4_header(reply).type_of_service, 0x28);
  EXPECT_FALSE(v4_header(reply).dont_fragment());
  EXPECT_TRUE(Ipv4Header::is_checksum_valid(reply, 20));
  EXPECT_EQ(from(reply, 20), echo_reply(33));
  EXPECT_EQ(bench.mib(Mib::IcmpInEchos), 1u);
  EXPECT_EQ(bench.mib(Mib::IcmpOutEchoReps), 1u);
}

TEST_F(Input4, LinkPaddingIsCutOff) {
  bench.inject(v4_packet(header(), echo(3)) + Bytes(20, 0xee));
  EXPECT_EQ(from(bench.take_one(), 20), echo_reply(3));
}

TEST_F(Input4, WrongHeadersAreCountedAndDropped) {
  const Bytes good = v4_packet(header(), echo());
  struct Case {
    const char* name;
    size_t at;
    uint8_t value;
    DropReason reason;
    bool fixes_checksum;
  };
  const Case cases[] = {
      {"version", 0, 0x55, DropReason::IpHeader, true},
      {"header too small", 0, 0x44, DropReason::IpHeader, true},
      {"header beyond the end", 0, 0x4f, DropReason::IpHeader, true},
      {"checksum", 10, 0, DropReason::IpChecksum, false},
      {"total below header", 3, 19, DropReason::IpHeader, true},
      {"total beyond the end", 2, 0x7f, DropReason::IpTruncated, true},
  };
  for (const Case& wrong : cases) {
    Bytes packet = good;
    packet[wrong.at] = wrong.value;
    if (wrong.fixes_checksum) {
      packet[10] = packet[11] = 0;
      const uint16_t sum = internet_checksum(part(packet, 0, 20));
      packet[10] = static_cast<uint8_t>(sum >> 8);
      packet[11] = static_cast<uint8_t>(sum);
    }
    if (wrong.at == 0 && wrong.value == 0x4f) packet.resize(40);
    const uint64_t before = bench.drops(wrong.reason);
    bench.inject(packet);
    EXPECT_EQ(bench.drops(wrong.reason), before + 1) << wrong.name;
    EXPECT_TRUE(bench.take_sent().empty()) << wrong.name;
  }
  for (size_t size = 1; size < good.size(); ++size) bench.inject(part(good, 0, size));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Input4, AnUnknownProtocolIsRefusedWithTheWholePacketCited) {
  const Bytes packet = v4_packet(header(IpProtocol{253}), pattern(30));
  bench.inject(packet);
  const Bytes error = bench.take_one();
  EXPECT_EQ(v4_header(error).type_of_service, 0xc0);
  EXPECT_EQ(from(error, 20), icmp4_message(Icmp4Message::unreachable(Icmp4Unreachable::Protocol), packet));
  EXPECT_EQ(bench.mib(Mib::IpInUnknownProtos), 1u);
}

TEST_F(Input4, AnErrorCitesAtMost576Bytes) {
  const Bytes packet = v4_packet(header(IpProtocol{253}), pattern(1400));
  bench.inject(packet);
  const Bytes error = bench.take_one();
  EXPECT_EQ(error.size(), 576u);
  EXPECT_EQ(from(error, 28), part(packet, 0, 548));
}

TEST_F(Input4, ADatagramForNoSocketIsRefused) {
  Bytes datagram = {0x10, 0x00, 0x20, 0x00, 0x00, 0x0c, 0x00, 0x00, 1, 2, 3, 4};
  const Bytes packet = v4_packet(header(IpProtocol::Udp), datagram);
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 20), icmp4_message(Icmp4Message::unreachable(Icmp4Unreachable::Port), packet));
}

TEST_F(Input4, NoErrorIsSentAboutWhatMustNotBeAnswered) {
  Ipv4PacketHeader to_many = header(IpProtocol{253});
  to_many.destination = Ipv4Address::all_hosts();
  bench.inject(v4_packet(to_many, pattern(20)));
  Ipv4PacketHeader to_all = header(IpProtocol{253});
  to_all.destination = Ipv4Address(10, 0, 0, 255);
  bench.inject(v4_packet(to_all, pattern(20)));
  to_all.destination = Ipv4Address::broadcast();
  bench.inject(v4_packet(to_all, pattern(20)));
  for (Ipv4Address source : {Ipv4Address(), Ipv4Address(224, 0, 0, 5), Ipv4Address::broadcast(), Ipv4Address(127, 0, 0, 1)}) {
    Ipv4PacketHeader from_nobody = header(IpProtocol{253});
    from_nobody.source = source;
    bench.inject(v4_packet(from_nobody, pattern(20)));
  }
  // An error about an error: a port unreachable that cites a packet nobody sent, with a protocol unknown inside.
  bench.inject(v4_packet(header(), icmp4_message(Icmp4Message::unreachable(Icmp4Unreachable::Port), pattern(28))));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Input4, BroadcastPingsAreIgnoredUnlessAskedFor) {
  Ipv4PacketHeader to_all = header();
  to_all.destination = Ipv4Address(10, 0, 0, 255);
  bench.inject(v4_packet(to_all, echo()));
  EXPECT_TRUE(bench.take_sent().empty());
  bench.stack->tunables().values().icmp_echo_ignore_broadcasts = 0;
  bench.inject(v4_packet(to_all, echo()));
  const Bytes reply = bench.take_one();
  EXPECT_EQ(v4_header(reply).source, IpBench::kOwn4);
  EXPECT_EQ(from(reply, 20), echo_reply());
}

TEST_F(Input4, EchoCanBeTurnedOff) {
  bench.stack->tunables().values().icmp_echo_ignore_all = 1;
  bench.inject(v4_packet(header(), echo()));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Input4, ATimestampRequestIsAnswered) {
  bench.inject(
      v4_packet(header(), icmp4_message(Icmp4Message::echo(Icmp4Type::Timestamp, 1, 2), {0, 0, 1, 0, 9, 9, 9, 9, 9, 9, 9, 9})));
  const Bytes reply = from(bench.take_one(), 20);
  ASSERT_EQ(reply.size(), 20u);
  EXPECT_EQ(reply[0], 14);
  EXPECT_EQ(internet_checksum(reply), 0);
  EXPECT_EQ(part(reply, 8, 4), (Bytes{0, 0, 1, 0}));
  const uint32_t millis = static_cast<uint32_t>(bench.hal.hal().wall_nanos() / 1'000'000 % 86'400'000);
  EXPECT_EQ(reinterpret_cast<const Be32*>(reply.data() + 12)->get(), millis);
  EXPECT_EQ(part(reply, 12, 4), part(reply, 16, 4));
}

TEST_F(Input4, AWrongIcmpChecksumIsCountedAndDropped) {
  Bytes message = echo();
  message[9] ^= 1;
  bench.inject(v4_packet(header(), message));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_EQ(bench.mib(Mib::IcmpInCsumErrors), 1u);
}

TEST_F(Input4, ABadOptionIsPointedAt) {
  Ipv4PacketHeader with_options = header();
  const Bytes options = {1, 7, 40, 4};  // a record route that claims 40 bytes
  with_options.options = options;
  const Bytes packet = v4_packet(with_options, echo());
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 20), icmp4_message(Icmp4Message::parameter_problem(21), packet));
}

TEST_F(Input4, RecordRouteShowsOurAddressAndComesBack) {
  Ipv4PacketHeader with_options = header();
  const Bytes options = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  with_options.options = options;
  bench.inject(v4_packet(with_options, echo()));
  const Bytes reply = bench.take_one();
  ASSERT_EQ(v4_header(reply).header_size(), 32u);
  // Our address as the destination of the request, and once more as the source of the reply.
  EXPECT_EQ(part(reply, 20, 11), (Bytes{7, 11, 12, 10, 0, 0, 1, 10, 0, 0, 1}));
  EXPECT_EQ(from(reply, 32), echo_reply());
}

TEST_F(Input4, SourceRoutesAreNotFollowedUnlessTheyMay) {
  Ipv4PacketHeader with_options = header();
  const Bytes options = {131, 7, 4, 10, 0, 0, 9, 0};
  with_options.options = options;
  bench.inject(v4_packet(with_options, echo()));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_EQ(bench.drops(DropReason::IpSourceRoute), 1u);
  EXPECT_EQ(bench.mib(Mib::IpInHdrErrors), 0u);
}

// A route that ends here is turned round: the answer goes to the last hop first.
TEST_F(Input4, ASourceRouteThatEndsHereIsTurnedRound) {
  bench.stack->interfaces().settings_of_all().v4.accept_source_route = 1;
  Ipv4PacketHeader with_options = header();
  const Bytes options = {131, 7, 8, 10, 0, 0, 9, 0};
  with_options.options = options;
  bench.inject(v4_packet(with_options, echo()));
  const Bytes reply = bench.take_one();
  EXPECT_EQ(v4_header(reply).destination, Ipv4Address(10, 0, 0, 9));
  ASSERT_EQ(v4_header(reply).header_size(), 28u);
  Bytes turned = {131, 7, 4};
  const Bytes sender = part(v4_packet(header(), echo()), 12, 4);
  turned.insert(turned.end(), sender.begin(), sender.end());
  EXPECT_EQ(part(reply, 20, 7), turned);
}

TEST_F(Input4, ASourceRouteWithRoomForPartOfAHopIsAProblem) {
  bench.stack->interfaces().settings_of_all().v4.accept_source_route = 1;
  Ipv4PacketHeader with_options = header();
  const Bytes options = {131, 9, 8, 10, 0, 0, 9, 10, 0, 0, 0, 0};
  with_options.options = options;
  const Bytes packet = v4_packet(with_options, echo());
  bench.inject(packet);
  const Bytes problem = bench.take_one();
  ASSERT_GT(problem.size(), 32u);
  EXPECT_EQ(problem[problem[0] % 16 * 4u], 12) << "parameter problem";
  EXPECT_EQ(problem[problem[0] % 16 * 4u + 4], 22) << "the pointer";
}

TEST_F(Input4, AHostForwardsNothingAndSaysNothing) {
  Ipv4PacketHeader elsewhere = header();
  elsewhere.destination = Ipv4Address(10, 0, 0, 9);
  bench.inject(v4_packet(elsewhere, echo()));
  elsewhere.destination = Ipv4Address(8, 8, 8, 8);
  bench.inject(v4_packet(elsewhere, echo()));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_EQ(bench.drops(DropReason::NotForUs), 2u);
}

TEST_F(Input4, PacketsSurviveNoMemoryAtAnyPoint) {
  const Bytes packet = v4_packet(header(), echo(900));
  for (size_t n = 0; n < 6; ++n) {
    Entry entry(*bench.stack);
    Ref<Packet> received = Packet::create_linear(bench.stack->pool(), packet.size()).take();
    copy_bytes(received->append(packet.size()), packet);
    bench.stack->pool().trim();
    bench.hal.fail_allocation(n, TestHal::Fail::All);
    bench.device.deliver(entry, std::move(received));
    entry.flush();
    bench.hal.allow_all_allocations();
    bench.take_sent();
  }
  bench.inject(packet);
  EXPECT_EQ(from(bench.take_one(), 20), echo_reply(900));
}

}  // namespace
}  // namespace lxnet
