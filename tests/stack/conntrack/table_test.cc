// The table of connections: its bound, its time, and packets that were made to break it.
#include "tests/stack/conntrack/track_bench.hh"

namespace lxnet::testing {
namespace {

class TrackTable : public TrackBench {};

TEST_F(TrackTable, ADatagramsConnectionLastsAsLongAsIsSaid) {
  bench.inject(udp(kNear, 1, kFar, 2));
  EXPECT_EQ(seconds_left(), 30);
  bench.inject(far, udp(kFar, 2, kNear, 1));
  EXPECT_EQ(seconds_left(), 30);
  EXPECT_FALSE(only()->is(kAssured));
  bench.advance(Duration::seconds(3));
  bench.inject(udp(kNear, 1, kFar, 2));
  EXPECT_TRUE(only()->is(kAssured)) << "a stream";
  EXPECT_EQ(seconds_left(), 120);
  bench.advance(Duration::seconds(119));
  EXPECT_NE(only(), nullptr);
  bench.advance(Duration::seconds(2));
  EXPECT_EQ(only(), nullptr);
  EXPECT_EQ(table().count(), 0u);
}

TEST_F(TrackTable, WhatIsOverIsNotFoundBeforeItsTimerCame) {
  bench.inject(udp(kNear, 1, kFar, 2));
  const Connection* old = only();
  const Instant later = bench.hal.now() + Duration::seconds(31);
  bench.hal.set_now(later);
  bench.inject(far, udp(kFar, 2, kNear, 1));
  Connection* now = only();
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->tuple(kOriginal).source, IpAddress(kFar)) << "the answer is a question now, not of " << old;
  EXPECT_FALSE(now->is(kSeenReply));
}

TEST_F(TrackTable, AFullTableThrowsOutTheOldestThatWasNotAnswered) {
  set("max", "4");
  for (uint16_t port = 1; port <= 4; ++port) bench.inject(udp(kNear, port, kFar, 9));
  bench.inject(far, udp(kFar, 9, kNear, 1));
  bench.advance(Duration::seconds(3));
  bench.inject(udp(kNear, 1, kFar, 9));  // a stream
  take_far();
  bench.inject(udp(kNear, 5, kFar, 9));
  EXPECT_EQ(take_far().size(), 1u);
  EXPECT_EQ(table().count(), 4u);
  EXPECT_EQ(table().statistics.early_drop, 1u);
  std::vector<uint16_t> ports;
  {
    MutexLock lock(bench.stack->hooks().mutex());
    table().for_each([&](Connection& connection) { ports.push_back(connection.tuple(kOriginal).source_part.get()); });
  }
  std::sort(ports.begin(), ports.end());
  EXPECT_EQ(ports, std::vector<uint16_t>({1, 3, 4, 5}));
}

TEST_F(TrackTable, WhereAllAreAssuredNoMoreComeIn) {
  set("max", "2");
  for (uint16_t port = 1; port <= 2; ++port) bench.inject(udp(kNear, port, kFar, 9));
  for (uint16_t port = 1; port <= 2; ++port) bench.inject(far, udp(kFar, 9, kNear, port));
  bench.advance(Duration::seconds(3));
  for (uint16_t port = 1; port <= 2; ++port) bench.inject(udp(kNear, port, kFar, 9));
  take_far();
  bench.inject(udp(kNear, 3, kFar, 9));
  EXPECT_TRUE(take_far().empty());
  EXPECT_EQ(table().statistics.drop, 1u);
  EXPECT_EQ(table().count(), 2u);
}

TEST_F(TrackTable, WithoutMemoryAPacketIsDroppedAndNothingIsLost) {
  uint16_t port = 0;
  for (size_t failing = 0; failing < 8; ++failing) {
    Entry entry(*bench.stack);
    const Bytes bytes = udp(kNear, ++port, kFar, 9);
    Ref<Packet> packet = Packet::create_linear(bench.stack->pool(), bytes.size()).take();
    copy_bytes(packet->append(bytes.size()), bytes);
    bench.hal.fail_allocation(failing);
    bench.device.deliver(entry, std::move(packet));
    entry.flush();
    bench.hal.allow_all_allocations();
  }
  EXPECT_GE(table().statistics.drop, 1u);
  bench.advance(Duration::seconds(60));
  EXPECT_EQ(table().count(), 0u);
  take_far();
  bench.inject(udp(kNear, 1, kFar, 9));
  EXPECT_EQ(take_far().size(), 1u);
}

TEST_F(TrackTable, APacketThatIsDroppedLeavesNoConnection) {
  add_rule(FilterHook::PostRouting, [](FilterPacket&) { return FilterVerdict::Drop; });
  bench.inject(udp(kNear, 1, kFar, 2));
  EXPECT_TRUE(take_far().empty());
  EXPECT_EQ(only(), nullptr);
  EXPECT_EQ(table().count(), 0u);
}

TEST_F(TrackTable, DatagramsThatLieAreInvalid) {
  const auto invalid = [&] { return table().statistics.invalid; };
  Bytes longer = udp(kNear, 1, kFar, 2);
  longer[25] = 200;
  bench.inject(longer);
  Bytes shorter = udp(kNear, 1, kFar, 2);
  shorter[25] = 7;
  bench.inject(shorter);
  Bytes wrong = udp(kNear, 1, kFar, 2);
  wrong[30] ^= 1;
  bench.inject(wrong);
  bench.inject(v4(kNear, kFar, IpProtocol::Udp, Bytes(7)));
  EXPECT_EQ(invalid(), 4u);
  EXPECT_EQ(only(), nullptr);
  Bytes none = udp(kNear, 1, kFar, 2);
  none[26] = none[27] = 0;
  none[30] ^= 1;
  bench.inject(none);
  EXPECT_NE(only(), nullptr) << "without a sum";
}

Bytes unreachable(const Bytes& cited, size_t size) {
  Icmp4Message message;
  message.type = Icmp4Type::DestinationUnreachable;
  message.code = 3;
  return icmp4_message(message, part(cited, 0, std::min(size, cited.size())));
}

TEST_F(TrackTable, AnErrorIsBoundToTheConnectionThatItCitesAndToNoOther) {
  const auto errors = [&] { return table().statistics.error; };
  const Bytes cited = udp(kNear, 1, kFar, 2);
  bench.inject(cited);
  const auto pass = [&](Ipv4Address to, const Bytes& message) {
    bench.inject(far, v4(kFar, to, IpProtocol::Icmp, message));
    bench.take_sent();
  };
  pass(kNear, unreachable(cited, 28));
  EXPECT_EQ(errors(), 0u);
  pass(Ipv4Address(10, 0, 0, 3), unreachable(cited, 28));
  EXPECT_EQ(errors(), 1u) << "told to somebody else";
  pass(kNear, unreachable(udp(kNear, 7, kFar, 2), 28));
  EXPECT_EQ(errors(), 2u) << "of a packet nobody saw";
  for (const size_t size : {0u, 1u, 19u, 20u, 27u}) pass(kNear, unreachable(cited, size));
  EXPECT_EQ(errors(), 7u) << "cut";
  Bytes options = cited;
  options[0] = 0x4f;
  pass(kNear, unreachable(options, 28));
  Bytes fragment = cited;
  fragment[7] = 1;
  pass(kNear, unreachable(fragment, 28));
  Bytes bad_sum = unreachable(cited, 28);
  bad_sum[2] ^= 1;
  pass(kNear, bad_sum);
  EXPECT_EQ(errors(), 10u);
  EXPECT_FALSE(only()->is(kSeenReply)) << "an error is no answer";
}

TEST_F(TrackTable, AnErrorAboutAnErrorIsNobodys) {
  const Bytes cited = udp(kNear, 1, kFar, 2);
  bench.inject(cited);
  const Bytes inner = v4(kNear, kFar, IpProtocol::Icmp, unreachable(cited, 28));
  bench.inject(far, v4(kFar, kNear, IpProtocol::Icmp, unreachable(inner, 60)));
  EXPECT_EQ(table().statistics.error, 1u);
}

TEST_F(TrackTable, PiecesAreFollowedAsOneAndGoOnInPieces) {
  const Bytes whole = udp(kNear, 1, kFar, 2, 3000);
  const Bytes payload = from(whole, 20);
  Ipv4PacketHeader header{
      .source = kNear, .destination = kFar, .protocol = IpProtocol::Udp, .time_to_live = 9, .identification = 7};
  header.dont_fragment = true;
  header.more_fragments = true;
  bench.inject(v4_packet(header, part(payload, 0, 1400)));
  EXPECT_TRUE(take_far().empty()) << "kept";
  EXPECT_EQ(only(), nullptr);
  header.fragment_offset = 1400;
  bench.inject(v4_packet(header, part(payload, 1400, 1400)));
  header.fragment_offset = 2800;
  header.more_fragments = false;
  bench.inject(v4_packet(header, from(payload, 2800)));
  const std::vector<Bytes> out = take_far();
  ASSERT_EQ(out.size(), 3u);
  for (const Bytes& piece : out) EXPECT_LE(piece.size(), 1420u) << "no larger than it came";
  EXPECT_EQ(from(out[0], 20) + from(out[1], 20) + from(out[2], 20), payload);
  EXPECT_NE(only(), nullptr);
}

TEST_F(TrackTable, AnAnswerThatNobodyAskedForIsInvalid) {
  Icmp4Message message;
  message.type = Icmp4Type::EchoReply;
  message.rest = 7u << 16;
  bench.inject(far, v4(kFar, kNear, IpProtocol::Icmp, icmp4_message(message, {})));
  EXPECT_EQ(only(), nullptr);
  EXPECT_EQ(table().statistics.invalid, 1u);
  message.type = Icmp4Type{77};
  bench.inject(far, v4(kFar, kNear, IpProtocol::Icmp, icmp4_message(message, {})));
  EXPECT_EQ(table().statistics.error, 1u);
}

TEST_F(TrackTable, NobodyAtTheHooksWhenNobodyNeedsIt) {
  constexpr uint8_t kAll = 0x1f;
  EXPECT_TRUE(bench.stack->hooks().is_active(IpFamily::V4, kAll));
  {
    const ConnectionUse another = ConnectionUse::create(*bench.stack, IpFamily::V4).take();
    use4 = ConnectionUse();
    EXPECT_TRUE(bench.stack->hooks().is_active(IpFamily::V4, kAll));
  }
  EXPECT_FALSE(bench.stack->hooks().is_active(IpFamily::V4, kAll));
  EXPECT_TRUE(bench.stack->hooks().is_active(IpFamily::V6, kAll));
  bench.inject(udp(kNear, 1, kFar, 2));
  EXPECT_EQ(take_far().size(), 1u);
  EXPECT_EQ(only(), nullptr);
}

TEST_F(TrackTable, WindowsAreForgottenWhileNobodyLooks) {
  open();
  use4 = ConnectionUse();
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck, .payload = 900});
  from_server({.seq = 501, .ack = 1001, .flags = kTcpAck});
  from_client({.seq = 1001, .ack = 501, .flags = kTcpAck, .payload = 900});
  from_server({.seq = 501, .ack = 1901, .flags = kTcpAck});
  use4 = ConnectionUse::create(*bench.stack, IpFamily::V4).take();
  from_client({.seq = 1901, .ack = 501, .flags = kTcpAck, .payload = 900});
  EXPECT_EQ(table().statistics.invalid, 0u);
  EXPECT_EQ(state(), TrackedTcpState::Established);
}

}  // namespace
}  // namespace lxnet::testing
