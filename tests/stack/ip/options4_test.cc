// What the stack writes into the options of packets that come to it or pass it. The bytes are those Linux sent for `ping -R` and
// `ping -T`, with this bench's addresses.
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

constexpr uint32_t kMilliseconds = 42'641'586;  // since midnight: 0x028aa8b2

class Options4 : public ::testing::Test {
 protected:
  void SetUp() override {
    constexpr int64_t kDay = 86'400'000;
    bench.hal.wall_offset = (20'000 * kDay + kMilliseconds) * 1'000'000 - bench.hal.now().in_nanos();
  }
  // The options of the reply to an echo request that has these.
  Bytes answered(Bytes options, Ipv4Address destination = IpBench::kOwn4) {
    options.resize((options.size() + 3) / 4 * 4);
    Ipv4PacketHeader header{.source = IpBench::kPeer4, .destination = destination, .protocol = IpProtocol::Icmp};
    header.options = options;
    bench.inject(v4_packet(header, icmp4_message(Icmp4Message::echo(Icmp4Type::Echo, 5, 6), pattern(20))));
    const Bytes reply = bench.take_one();
    EXPECT_TRUE(Ipv4Header::is_checksum_valid(reply, v4_header(reply).header_size()));
    return part(reply, 20, v4_header(reply).header_size() - 20);
  }

  WireDevice other;  // outlives the stack
  IpBench bench;
  const Bytes own{10, 0, 0, 1}, peer{10, 0, 0, 2}, now{0x02, 0x8a, 0xa8, 0xb2};
};

TEST_F(Options4, ARecordedRouteShowsUsOnceThereAndOnceBack) {
  EXPECT_EQ(answered(Bytes{1, 7, 39, 8} + peer + Bytes(32)), (Bytes{7, 39, 16} + peer + own + own + Bytes(25)));
}

TEST_F(Options4, TimestampsShowUsOnceThereAndOnceBack) {
  EXPECT_EQ(answered(Bytes{68, 36, 13, 1} + peer + now + Bytes(24)),
            (Bytes{68, 36, 29, 1} + peer + now + own + now + own + now + Bytes(8)));
  EXPECT_EQ(answered(Bytes{68, 16, 5, 0} + Bytes(12)), (Bytes{68, 16, 13, 0} + now + now + Bytes(4)));
}

TEST_F(Options4, APrespecifiedTimestampIsForItsAddressOnly) {
  EXPECT_EQ(answered(Bytes{68, 12, 5, 3} + own + Bytes(4)), (Bytes{68, 12, 13, 3} + own + now));
  EXPECT_EQ(answered(Bytes{68, 12, 5, 3, 10, 0, 0, 77} + Bytes(4)), (Bytes{68, 12, 5, 3, 10, 0, 0, 77} + Bytes(4)));
  // The second entry is for the way back.
  EXPECT_EQ(answered(Bytes{68, 20, 5, 3} + own + Bytes(4) + own + Bytes(4)), (Bytes{68, 20, 21, 3} + own + now + own + now));
  EXPECT_EQ(answered(Bytes{68, 20, 5, 3} + own + Bytes(4) + peer + Bytes(4)),
            (Bytes{68, 20, 13, 3} + own + now + peer + Bytes(4)));
}

TEST_F(Options4, AFullTimestampListCountsUsAsOverflow) {
  EXPECT_EQ(answered(Bytes{68, 8, 9, 0, 1, 2, 3, 4}), (Bytes{68, 8, 9, 0x10, 1, 2, 3, 4}));
}

TEST_F(Options4, AnErrorsOptionsAreThoseOfAReply) {
  const Bytes options = Bytes{7, 39, 8} + peer + Bytes(33);
  Ipv4PacketHeader header{.source = IpBench::kPeer4, .destination = IpBench::kOwn4, .protocol = IpProtocol{200}};
  header.options = options;
  bench.inject(v4_packet(header, pattern(20)));
  const Bytes error = bench.take_one();
  EXPECT_EQ(part(error, 20, 40), (Bytes{7, 39, 16} + peer + own + own + Bytes(25)));
}

TEST_F(Options4, AForwardedPacketShowsTheAddressItLeavesFrom) {
  const Ref<Interface> output =
      bench.add_device(other, "ip1", Ipv4Address(10, 0, 1, 1), 24, Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1), 64);
  bench.stack->tunables().values().ip_forward = 1;
  bench.settle();
  other.sent.clear();
  SetUp();
  const Bytes options = Bytes{7, 11, 4} + Bytes(8) + Bytes{68, 12, 5, 1} + Bytes(8) + Bytes{0};
  Ipv4PacketHeader header{.source = IpBench::kPeer4, .destination = Ipv4Address(10, 0, 1, 2), .protocol = IpProtocol::Udp};
  header.options = options;
  bench.inject(v4_packet(header, pattern(20)));
  ASSERT_EQ(other.sent.size(), 1u);
  // The route shows the side it leaves from, the time stamp the side it came to.
  EXPECT_EQ(part(other.sent[0], 20, 24), (Bytes{7, 11, 8, 10, 0, 1, 1} + Bytes(4) + Bytes{68, 12, 13, 1} + own + now + Bytes{0}));
  EXPECT_TRUE(Ipv4Header::is_checksum_valid(other.sent[0], 44));
}

}  // namespace
}  // namespace lxnet
