// A router that translates: tuples, bytes and sums of what goes through it, errors included.
#include "tests/stack/conntrack/track_bench.hh"

namespace lxnet::testing {
namespace {

class NatBench : public TrackBench {
 protected:
  static uint16_t port_at(const Bytes& packet, size_t at) { return static_cast<uint16_t>(packet[at] << 8 | packet[at + 1]); }
  static uint16_t source_port(const Bytes& packet) { return port_at(packet, 20); }
  static uint16_t destination_port(const Bytes& packet) { return port_at(packet, 22); }
  // What the far link saw of one datagram from the near one, which must be one packet.
  Bytes through(const Bytes& packet) {
    bench.inject(packet);
    const std::vector<Bytes> out = take_far();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? Bytes(28) : out[0];
  }
  Bytes back(const Bytes& packet) {
    bench.inject(far, packet);
    return bench.take_one();
  }
};

TEST_F(NatBench, SourcesChangeOnTheWayAndComeBackChanged) {
  map_sources(kFarOwn, 5000, 5000);
  const Bytes out = through(udp(kNear, 1, kFar, 2));
  EXPECT_EQ(v4_header(out).source, kFarOwn);
  EXPECT_EQ(source_port(out), 5000);
  EXPECT_EQ(destination_port(out), 2);
  EXPECT_TRUE(is_sum_right(out));
  const Bytes in = back(udp(kFar, 2, kFarOwn, 5000));
  EXPECT_EQ(v4_header(in).destination, kNear);
  EXPECT_EQ(destination_port(in), 1);
  EXPECT_TRUE(is_sum_right(in));
}

TEST_F(NatBench, SumsOfTcpAndIcmpFollow) {
  map_sources(kFarOwn, 5000, 5000);
  const std::vector<Bytes> syn = from_client({.seq = 100, .flags = kTcpSyn, .options = {2, 4, 5, 180}});
  ASSERT_EQ(syn.size(), 1u);
  EXPECT_EQ(v4_header(syn[0]).source, kFarOwn);
  EXPECT_TRUE(is_sum_right(syn[0]));
  Icmp4Message echo;
  echo.type = Icmp4Type::Echo;
  echo.rest = 77u << 16 | 1;
  const Bytes out = through(v4(kNear, kFar, IpProtocol::Icmp, icmp4_message(echo, pattern(9))));
  EXPECT_EQ(port_at(out, 24), 5000) << "its identifier is what it has of a port";
  EXPECT_EQ(internet_checksum(from(out, 20)), 0);
  echo.type = Icmp4Type::EchoReply;
  echo.rest = 5000u << 16 | 1;
  const Bytes in = back(v4(kFar, kFarOwn, IpProtocol::Icmp, icmp4_message(echo, pattern(9))));
  EXPECT_EQ(v4_header(in).destination, kNear);
  EXPECT_EQ(port_at(in, 24), 77);
  EXPECT_EQ(internet_checksum(from(in, 20)), 0);
}

TEST_F(NatBench, ASumThatIsNotThereStaysAwayAndAWrongOneStaysWrong) {
  map_sources(kFarOwn, 5000, 5000);
  set("checksum", "0");
  Bytes none = udp(kNear, 1, kFar, 2);
  none[26] = none[27] = 0;
  EXPECT_EQ(port_at(through(none), 26), 0);
  Bytes wrong = udp(kNear, 1, kFar, 2);
  wrong[26] ^= 0x55;
  EXPECT_FALSE(is_sum_right(through(wrong)));
}

TEST_F(NatBench, AnErrorIsTranslatedOutsideAndInside) {
  map_sources(kFarOwn, 5000, 5000);
  const Bytes out = through(udp(kNear, 1, kFar, 2, 40));
  Icmp4Message message;
  message.type = Icmp4Type::DestinationUnreachable;
  message.code = 3;
  for (const size_t cited : {28u, 60u}) {
    const Bytes in = back(v4(Ipv4Address(10, 0, 1, 77), kFarOwn, IpProtocol::Icmp, icmp4_message(message, part(out, 0, cited))));
    EXPECT_EQ(v4_header(in).destination, kNear);
    EXPECT_EQ(v4_header(in).source, Ipv4Address(10, 0, 1, 77)) << "who says so";
    EXPECT_EQ(internet_checksum(from(in, 20)), 0);
    const Bytes inner = from(in, 28);
    EXPECT_EQ(v4_header(inner).source, kNear);
    EXPECT_EQ(source_port(inner), 1);
    EXPECT_TRUE(Ipv4Header::is_checksum_valid(inner, 20));
    if (cited == 60) {
      // But for the hop that it has made on its way.
      EXPECT_EQ(port_at(inner, 26), port_at(udp(kNear, 1, kFar, 2, 40), 26));
    }
  }
}

TEST_F(NatBench, AnErrorOfWhatWasSentToATranslatedDestinationIsToo) {
  add_rule(FilterHook::PreRouting, [this](FilterPacket& packet) {
    return tracker().nat().decide(
        packet, {.flags = kNatMapAddresses | kNatMapParts, .first = kFar, .last = kFar, .first_part = 53, .last_part = 53},
        NatSide::Destination);
  });
  const Bytes out = through(udp(kNear, 1, kNearOwn, 2));
  EXPECT_EQ(v4_header(out).destination, kFar);
  EXPECT_EQ(destination_port(out), 53);
  Icmp4Message message;
  message.type = Icmp4Type::DestinationUnreachable;
  message.code = 3;
  const Bytes in = back(v4(kFar, kNear, IpProtocol::Icmp, icmp4_message(message, part(out, 0, 28))));
  EXPECT_EQ(v4_header(in).source, kNearOwn) << "the address that was asked";
  EXPECT_EQ(v4_header(from(in, 28)).destination, kNearOwn);
  EXPECT_EQ(destination_port(from(in, 28)), 2);
}

TEST_F(NatBench, ARedirectAboutATranslatedConnectionIsDropped) {
  map_sources(kFarOwn, 5000, 5000);
  const Bytes out = through(udp(kNear, 1, kFar, 2));
  Icmp4Message message;
  message.type = Icmp4Type::Redirect;
  message.code = 1;
  message.rest = Ipv4Address(10, 0, 1, 3).value();
  bench.inject(far, v4(kFar, kFarOwn, IpProtocol::Icmp, icmp4_message(message, part(out, 0, 28))));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(NatBench, OneSourceKeepsItsPortWithAllWhomItSpeaksTo) {
  map_sources(kFarOwn, 5000, 5999);
  const uint16_t first = source_port(through(udp(kNear, 1, kFar, 2)));
  EXPECT_EQ(source_port(through(udp(kNear, 1, Ipv4Address(10, 0, 1, 10), 2))), first);
  EXPECT_EQ(source_port(through(udp(kNear, 1, kFar, 3))), first);
}

TEST_F(NatBench, PortsEndWhenAllAreTakenAndComeBackWithTime) {
  map_sources(kFarOwn, 5000, 5003);
  std::vector<uint16_t> ports;
  for (uint16_t port = 1; port <= 4; ++port) ports.push_back(source_port(through(udp(kNear, port, kFar, 2))));
  std::sort(ports.begin(), ports.end());
  EXPECT_EQ(ports, std::vector<uint16_t>({5000, 5001, 5002, 5003}));
  bench.inject(udp(kNear, 5, kFar, 2));
  EXPECT_TRUE(take_far().empty());
  EXPECT_EQ(table().statistics.insert_failed, 1u);
  EXPECT_EQ(table().count(), 4u);
  through(udp(kNear, 5, Ipv4Address(10, 0, 1, 10), 2));  // elsewhere they are free
  bench.advance(Duration::seconds(31));
  through(udp(kNear, 5, kFar, 2));
}

TEST_F(NatBench, APortWithoutARangeStaysUnlessItIsTakenAndThenOfItsKind) {
  map_sources(kFarOwn);
  EXPECT_EQ(source_port(through(udp(kNear, 100, kFar, 2))), 100);
  const Ipv4Address other(10, 0, 0, 3);
  const uint16_t moved = source_port(through(udp(other, 100, kFar, 2)));
  EXPECT_NE(moved, 100);
  EXPECT_LT(moved, 512);
  EXPECT_EQ(source_port(through(udp(kNear, 700, kFar, 2))), 700);
  const uint16_t privileged = source_port(through(udp(other, 700, kFar, 2)));
  EXPECT_GE(privileged, 600);
  EXPECT_LT(privileged, 1024);
  EXPECT_EQ(source_port(through(udp(kNear, 4000, kFar, 2))), 4000);
  EXPECT_GE(source_port(through(udp(other, 4000, kFar, 2))), 1024);
}

TEST_F(NatBench, ATimeWaitIsPushedOutByANewSynWhereNoPortIsLeft) {
  map_sources(kFarOwn, 5000, 5000);
  from_client({.seq = 100, .flags = kTcpSyn});
  const auto answer = [&](const TcpBytes& segment) { bench.inject(far, tcp(kFar, kServer, kFarOwn, 5000, segment)); };
  answer({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck});
  from_client({.seq = 101, .ack = 501, .flags = kTcpFin | kTcpAck});
  answer({.seq = 501, .ack = 102, .flags = kTcpFin | kTcpAck});
  from_client({.seq = 102, .ack = 502, .flags = kTcpAck});
  ASSERT_EQ(state(), TrackedTcpState::TimeWait);
  const Ipv4Address other(10, 0, 0, 3);
  bench.inject(tcp(other, 9, kFar, kServer, {.seq = 50, .flags = kTcpSyn}));
  EXPECT_EQ(take_far().size(), 0u) << "its numbers could be taken for the old ones";
  bench.inject(tcp(other, 9, kFar, kServer, {.seq = 5000, .flags = kTcpSyn}));
  const std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(source_port(out[0]), 5000);
  EXPECT_EQ(only()->tuple(kOriginal).source, IpAddress(other));
}

TEST_F(NatBench, OfAProtocolWhoseSumIsNotKnownTheAddressAloneChanges) {
  map_sources(kFarOwn, 5000, 5000);
  const Bytes ports{0, 7, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes out = through(v4(kNear, kFar, IpProtocol::Sctp, ports));
  EXPECT_EQ(v4_header(out).source, kFarOwn);
  EXPECT_EQ(from(out, 20), ports);
  const Bytes answer{0, 9, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes in = back(v4(kFar, kFarOwn, IpProtocol::Sctp, answer));
  EXPECT_EQ(v4_header(in).destination, kNear);
  EXPECT_EQ(from(in, 20), answer);
}

TEST_F(NatBench, WhoIsMasqueradedIsForgottenWithTheAddress) {
  add_rule(FilterHook::PostRouting, [](FilterPacket& packet) { return masquerade(packet, {}); });
  EXPECT_EQ(v4_header(through(udp(kNear, 1, kFar, 2))).source, kFarOwn);
  ASSERT_NE(only(), nullptr);
  {
    Entry entry(*bench.stack);
    EXPECT_TRUE(bench.stack->interfaces().remove_address(entry, *far_interface, kFarOwn, 24).is_ok());
  }
  EXPECT_EQ(only(), nullptr);
}

TEST_F(NatBench, WhoIsMasqueradedIsForgottenWithTheInterface) {
  add_rule(FilterHook::PostRouting, [](FilterPacket& packet) { return masquerade(packet, {}); });
  through(udp(kNear, 1, kFar, 2));
  {
    Entry entry(*bench.stack);
    EXPECT_TRUE(bench.stack->interfaces().set_state(entry, *bench.interface, LinkState::Down).is_ok());
  }
  EXPECT_NE(only(), nullptr) << "of another interface";
  {
    Entry entry(*bench.stack);
    EXPECT_TRUE(bench.stack->interfaces().set_state(entry, *far_interface, LinkState::Down).is_ok());
  }
  EXPECT_EQ(only(), nullptr);
}

TEST_F(NatBench, RulesAreAskedInOrderUntilOneDecides) {
  std::string asked;
  const auto ask = [&](char name, int32_t priority, bool decides) {
    add_rule(FilterHook::PostRouting, [&asked, name, decides, this](FilterPacket& packet) {
      asked += name;
      if (!decides) return FilterVerdict::Accept;
      return tracker().nat().decide(packet, {.flags = kNatMapAddresses, .first = kFarOwn, .last = kFarOwn}, NatSide::Source);
    });
    MutexLock lock(bench.stack->hooks().mutex());
    tracker().nat().remove_rules_locked(bench.stack->hooks(), *rules.back());
    rules.back()->priority = priority;
    tracker().nat().add_rules_locked(bench.stack->hooks(), *rules.back());
  };
  ask('b', 100, false);
  ask('a', 50, false);
  ask('d', 300, false);
  ask('c', 200, true);
  through(udp(kNear, 1, kFar, 2));
  EXPECT_EQ(asked, "abc");
  through(udp(kNear, 1, kFar, 2));
  EXPECT_EQ(asked, "abc") << "once for a connection";
}

TEST_F(NatBench, OfIpv6WithItsErrors) {
  const Ipv6Address near6 = bench.kPeer6, far6(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9), own6(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
  const NatRange range{
      .flags = kNatMapAddresses | kNatMapParts, .first = own6, .last = own6, .first_part = 5000, .last_part = 5000};
  add_rule(
      FilterHook::PostRouting,
      [this, range](FilterPacket& packet) { return tracker().nat().decide(packet, range, NatSide::Source); }, IpFamily::V6);
  const auto datagram = [](const Ipv6Address& source, uint16_t from_port, const Ipv6Address& destination, uint16_t to_port) {
    Bytes bytes(8);
    UdpDatagramHeader{.source_port = from_port, .destination_port = to_port, .length = 12}.emit(bytes);
    bytes = bytes + Bytes(4, 'x');
    InternetChecksum sum = pseudo_header_checksum(source, destination, IpProtocol::Udp, 12);
    sum.add(bytes);
    bytes[6] = static_cast<uint8_t>(sum.finish() >> 8);
    bytes[7] = static_cast<uint8_t>(sum.finish());
    return v6_packet({.source = source, .destination = destination, .next_header = IpProtocol::Udp, .hop_limit = 9}, bytes);
  };
  const auto is_right = [](const Bytes& packet, IpProtocol protocol) {
    const Ipv6Header& header = v6_header(packet);
    InternetChecksum sum =
        pseudo_header_checksum(header.source, header.destination, protocol, static_cast<uint32_t>(packet.size() - 40));
    sum.add(from(packet, 40));
    return sum.is_valid();
  };
  bench.inject(datagram(near6, 1, far6, 2));
  // Its neighbour is not known to a link without link addresses: it goes out at once.
  const std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(v6_header(out[0]).source, own6);
  EXPECT_EQ(port_at(out[0], 40), 5000);
  EXPECT_TRUE(is_right(out[0], IpProtocol::Udp));
  Icmp6Message message;
  message.type = Icmp6Type::DestinationUnreachable;
  message.code = 4;
  bench.inject(far, v6_packet({.source = far6, .destination = own6, .next_header = IpProtocol::Icmpv6, .hop_limit = 9},
                              icmp6_message(far6, own6, message, out[0])));
  const Bytes in = bench.take_one();
  EXPECT_EQ(v6_header(in).destination, near6);
  EXPECT_TRUE(is_right(in, IpProtocol::Icmpv6));
  const Bytes inner = from(in, 48);
  EXPECT_EQ(v6_header(inner).source, near6);
  EXPECT_EQ(port_at(inner, 40), 1);
  EXPECT_TRUE(is_right(inner, IpProtocol::Udp));
}

}  // namespace
}  // namespace lxnet::testing
