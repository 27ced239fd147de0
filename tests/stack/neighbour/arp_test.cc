// ARP on the wire, frame by frame.
#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr MacAddress kUs = WireStack::kMac;
constexpr MacAddress kPeer(0x02, 0, 0, 0, 0, 0x99);
constexpr MacAddress kOther(0x02, 0, 0, 0, 0, 0x77);
constexpr Ipv4Address kOurs(10, 0, 0, 1), kTheirs(10, 0, 0, 2);

class Arp : public ::testing::Test {
 protected:
  Arp() {
    wire.up_without_ipv6();
    EXPECT_TRUE(wire.add("10.0.0.1", 24).is_ok());
    EXPECT_THAT(wire.take_sent(), IsEmpty()) << "an address is not announced unless arp_notify asks for it";
  }
  // An IPv4 packet with one byte to tell it by.
  Frame packet(uint8_t mark) {
    Frame bytes(21);
    bytes[0] = 0x45;
    bytes[3] = 21;
    bytes[8] = 64;
    bytes[9] = 253;
    memcpy(&bytes[12], bytes_of(kOurs).data(), 4);
    memcpy(&bytes[16], bytes_of(kTheirs).data(), 4);
    bytes[20] = mark;
    return bytes;
  }
  void send(uint8_t mark, Ipv4Address next_hop = kTheirs) {
    Entry entry(*wire.stack);
    Result<Ref<Packet>> created = Packet::create(wire.stack->pool());
    if (!created.is_ok()) return;
    Ref<Packet> out = created.take();
    const Frame bytes = packet(mark);
    copy_bytes(out->append(bytes.size()), bytes);
    wire.eth0->output(entry, std::move(out), next_hop);
  }
  Frame data_frame(uint8_t mark, MacAddress to = kPeer) { return ethernet_frame(to, kUs, EtherType::Ipv4, packet(mark)); }
  static ArpMessage question(MacAddress target = {}) {
    return {.operation = ArpOperation::Request,
            .sender_mac = kUs,
            .sender_address = kOurs,
            .target_mac = target,
            .target_address = kTheirs};
  }
  static Frame broadcast_question() { return arp_frame(MacAddress::broadcast(), question()); }
  static Frame answer(MacAddress mac = kPeer) {
    return arp_frame(kUs, {.operation = ArpOperation::Reply,
                           .sender_mac = mac,
                           .sender_address = kTheirs,
                           .target_mac = kUs,
                           .target_address = kOurs});
  }
  NeighbourInfo peer() { return wire.neighbours().find(*wire.eth0, kTheirs).take(); }
  void ask_and_learn() {
    send(1);
    wire.inject(answer());
    wire.take_sent();
  }

  WireStack wire;
};

TEST_F(Arp, AsksOnceAndSendsWhatWaitedInOrder) {
  send(1);
  send(2);
  EXPECT_THAT(wire.take_sent(), ElementsAre(broadcast_question()));
  wire.inject(answer());
  EXPECT_THAT(wire.take_sent(), ElementsAre(data_frame(1), data_frame(2)));
  send(3);
  EXPECT_THAT(wire.take_sent(), ElementsAre(data_frame(3)));
  EXPECT_EQ(peer().state, NeighbourState::Reachable);
}

TEST_F(Arp, AsksThreeTimesASecondApartAndThenGivesUp) {
  send(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(wire.take_sent(), ElementsAre(broadcast_question())) << i;
    wire.advance(Duration::millis(999));
    EXPECT_THAT(wire.take_sent(), IsEmpty());
    wire.advance(Duration::millis(1));
  }
  EXPECT_THAT(wire.take_sent(), IsEmpty());
  EXPECT_EQ(peer().state, NeighbourState::Failed);
  EXPECT_EQ(wire.drops(DropReason::NeighbourUnresolved), 1u);
  send(2);
  EXPECT_THAT(wire.take_sent(), ElementsAre(broadcast_question())) << "the next packet asks anew";
}

TEST_F(Arp, TellsTheSenderWhoIsOurselvesThatTheHostIsUnreachable) {
  constexpr uint8_t kUnreachable = 3;
  using Direction = MibCounters::Direction;
  send(1);
  send(2);
  wire.advance(Duration::seconds(2));
  EXPECT_EQ(wire.stack->mib().icmp4(Direction::In, kUnreachable), 0u);
  wire.advance(Duration::seconds(1));
  EXPECT_EQ(wire.stack->mib().icmp4(Direction::Out, kUnreachable), 2u);
  EXPECT_EQ(wire.stack->mib().icmp4(Direction::In, kUnreachable), 2u) << "through lo";
}

TEST_F(Arp, DoubtsAfterAWhileAndProbesWhomItKnowsDirectly) {
  ask_and_learn();
  wire.advance(Duration::seconds(46));  // past any reachable time
  EXPECT_EQ(peer().state, NeighbourState::Stale);
  send(2);
  EXPECT_THAT(wire.take_sent(), ElementsAre(data_frame(2))) << "stale is good enough to send";
  EXPECT_EQ(peer().state, NeighbourState::Delay);
  wire.advance(Duration::seconds(5));
  EXPECT_EQ(peer().state, NeighbourState::Probe);
  EXPECT_THAT(wire.take_sent(), ElementsAre(arp_frame(kPeer, question(kPeer))));
  wire.inject(answer());
  EXPECT_EQ(peer().state, NeighbourState::Reachable);
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(Arp, IsSpareOfProbesWhenAnUpperLayerConfirms) {
  ask_and_learn();
  wire.advance(Duration::seconds(46));
  send(2);
  wire.take_sent();
  {
    Entry entry(*wire.stack);
    wire.neighbours().confirm(entry, *wire.eth0, kTheirs);
  }
  wire.advance(Duration::seconds(5));
  EXPECT_EQ(peer().state, NeighbourState::Reachable);
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(Arp, ForgetsWhoDoesNotAnswerProbes) {
  ask_and_learn();
  wire.advance(Duration::seconds(46));
  send(2);
  wire.take_sent();
  wire.advance(Duration::seconds(5));
  wire.advance(Duration::seconds(3));
  const Frame probe = arp_frame(kPeer, question(kPeer));
  EXPECT_THAT(wire.take_sent(), ElementsAre(probe, probe, probe));
  EXPECT_EQ(peer().state, NeighbourState::Failed);
}

TEST_F(Arp, AnswersForItsAddressAndRemembersWhoAsked) {
  const ArpMessage request{.operation = ArpOperation::Request,
                           .sender_mac = kPeer,
                           .sender_address = kTheirs,
                           .target_mac = {},
                           .target_address = kOurs};
  wire.inject(arp_frame(MacAddress::broadcast(), request));
  const ArpMessage reply{.operation = ArpOperation::Reply,
                         .sender_mac = kUs,
                         .sender_address = kOurs,
                         .target_mac = kPeer,
                         .target_address = kTheirs};
  EXPECT_THAT(wire.take_sent(), ElementsAre(arp_frame(kPeer, reply)));
  EXPECT_EQ(peer().state, NeighbourState::Stale);
  send(1);
  EXPECT_THAT(wire.take_sent(), ElementsAre(data_frame(1))) << "no question for one who has just introduced himself";
}

TEST_F(Arp, AnswersProbesOfWhoWantsTheAddress) {
  wire.inject(arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                  .sender_mac = kPeer,
                                                  .sender_address = {},
                                                  .target_mac = {},
                                                  .target_address = kOurs}));
  EXPECT_THAT(wire.take_sent(), ElementsAre(arp_frame(kPeer, {.operation = ArpOperation::Reply,
                                                              .sender_mac = kUs,
                                                              .sender_address = kOurs,
                                                              .target_mac = kPeer,
                                                              .target_address = {}})));
}

TEST_F(Arp, IsSilentAboutAddressesOfOthers) {
  wire.inject(arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                  .sender_mac = kPeer,
                                                  .sender_address = kTheirs,
                                                  .target_mac = {},
                                                  .target_address = Ipv4Address(10, 0, 0, 3)}));
  EXPECT_THAT(wire.take_sent(), IsEmpty());
  EXPECT_TRUE(wire.neighbours().find(*wire.eth0, kTheirs).is_error(Errno::ENOENT)) << "strangers are not remembered";
}

TEST_F(Arp, ObeysArpIgnore) {
  const Frame ask_lo = arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                           .sender_mac = kPeer,
                                                           .sender_address = kTheirs,
                                                           .target_mac = {},
                                                           .target_address = Ipv4Address(192, 0, 2, 1)});
  {
    Entry entry(*wire.stack);
    ASSERT_TRUE(
        wire.interfaces().add_address(entry, wire.interfaces().loopback(), WireStack::address_of("192.0.2.1", 32)).is_ok());
  }
  wire.inject(ask_lo);
  EXPECT_THAT(wire.take_sent(), SizeIs(1)) << "Linux answers for any of its addresses";
  wire.eth0->settings().v4.arp_ignore = 1;
  wire.inject(ask_lo);
  EXPECT_THAT(wire.take_sent(), IsEmpty());
  wire.eth0->settings().v4.arp_ignore = 8;
  wire.inject(arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                  .sender_mac = kPeer,
                                                  .sender_address = kTheirs,
                                                  .target_mac = {},
                                                  .target_address = kOurs}));
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(Arp, TakesTheFirstOfSeveralAnswers) {
  send(1);
  wire.inject(answer(kPeer));
  wire.inject(answer(kOther));
  EXPECT_EQ(peer().mac, kPeer);
  wire.advance(Duration::millis(1001));
  wire.inject(answer(kOther));
  EXPECT_EQ(peer().mac, kOther) << "past the locktime a new address is believed";
}

TEST_F(Arp, FollowsAGratuitousAnnouncementAtOnceButOnlyOfWhoIsKnown) {
  const auto announcement = [](Ipv4Address address) {
    return arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                               .sender_mac = kOther,
                                               .sender_address = address,
                                               .target_mac = {},
                                               .target_address = address});
  };
  ask_and_learn();
  wire.inject(announcement(kTheirs));
  EXPECT_EQ(peer().mac, kOther);
  EXPECT_EQ(peer().state, NeighbourState::Stale);
  wire.inject(announcement(Ipv4Address(10, 0, 0, 9)));
  EXPECT_FALSE(wire.neighbours().find(*wire.eth0, Ipv4Address(10, 0, 0, 9)).is_ok());
  wire.eth0->settings().v4.arp_accept = 1;
  wire.inject(announcement(Ipv4Address(10, 0, 0, 9)));
  EXPECT_TRUE(wire.neighbours().find(*wire.eth0, Ipv4Address(10, 0, 0, 9)).is_ok());
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(Arp, AnnouncesItsAddressesWhenAskedTo) {
  ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
  wire.eth0->settings().v4.arp_notify = 1;
  ASSERT_TRUE(wire.set_up().is_ok());
  EXPECT_THAT(wire.take_sent(), ElementsAre(arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                                                .sender_mac = kUs,
                                                                                .sender_address = kOurs,
                                                                                .target_mac = kUs,
                                                                                .target_address = kOurs})));
}

TEST_F(Arp, ResolvesBroadcastsAndGroupsWithoutAsking) {
  send(1, Ipv4Address(10, 0, 0, 255));
  send(2, Ipv4Address::broadcast());
  send(3, Ipv4Address(224, 1, 2, 3));
  EXPECT_THAT(wire.take_sent(), ElementsAre(data_frame(1, MacAddress::broadcast()), data_frame(2, MacAddress::broadcast()),
                                            data_frame(3, MacAddress(0x01, 0, 0x5e, 1, 2, 3))));
}

TEST_F(Arp, LimitsWhatWaitsByBytesAndLosesTheOldest) {
  wire.eth0->settings().arp.queue_bytes = 2000;
  for (uint8_t i = 1; i <= 20; ++i) send(i);
  const uint64_t lost = wire.drops(DropReason::NeighbourQueueFull);
  EXPECT_GT(lost, 0u);
  wire.take_sent();
  wire.inject(answer());
  const std::vector<Frame> sent = wire.take_sent();
  ASSERT_EQ(sent.size(), 20 - lost);
  EXPECT_EQ(sent.back(), data_frame(20));
}

TEST_F(Arp, BoundsTheTableAndKeepsWhoIsReachable) {
  ask_and_learn();
  wire.neighbours().limits(IpFamily::V4) = {.gc_thresh1 = 4, .gc_thresh2 = 8, .gc_thresh3 = 16};
  for (uint8_t i = 3; i < 60; ++i) {
    send(1, Ipv4Address(10, 0, 0, i));
    wire.advance(Duration::seconds(4));  // each fails before the next
  }
  size_t count = 0;
  wire.neighbours().for_each([&](const NeighbourInfo&) { ++count; });
  EXPECT_LE(count, 16u);
}

TEST_F(Arp, DropsMalformedMessagesAndCountsThem) {
  Frame cut = answer();
  cut.resize(sizeof(EthernetHeader) + 27);
  wire.inject(cut);
  Frame strange = answer();
  strange[sizeof(EthernetHeader) + 4] = 8;  // hardware address size
  wire.inject(strange);
  wire.inject(answer(MacAddress::broadcast()));
  EXPECT_EQ(wire.drops(DropReason::ArpHeader), 3u);
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(Arp, LivesThroughEveryFailureOfAnAllocation) {
  for_each_failing_allocation(wire.hal, [&] {
    send(1);
    wire.hal.allow_all_allocations();
    send(2);
    wire.inject(answer());
    EXPECT_EQ(wire.take_sent().back(), data_frame(2));
    Entry entry(*wire.stack);
    EXPECT_TRUE(wire.neighbours().remove(entry, *wire.eth0, kTheirs).is_ok());
  });
}

}  // namespace
}  // namespace lxnet::testing
