// Which frames a reader wants, and which of several readers gets one.
#include <gmock/gmock.h>

#include "compat/tun/tun_queues.hh"
#include "compat/tun/tx_filter.hh"
#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::Bytes;
using ::lxnet::testing::TestHal;

class TunPartsTest : public ::testing::Test {
 protected:
  Ref<Packet> packet(const Bytes& bytes) {
    Ref<Packet> packet = Packet::create(pool_).take();
    EXPECT_TRUE(packet->append_copy(bytes).is_ok());
    return packet;
  }
  Ref<TunQueue> queue() { return make_ref<TunQueue>(hal_.hal(), hal_.hal()).take(); }
  // UDP over IPv4.
  static Bytes flow(uint8_t from, uint8_t to, uint8_t from_port, uint8_t to_port) {
    return {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to, 0, from_port, 0, to_port, 0, 8, 0, 0};
  }

  TestHal hal_;
  PacketPool pool_{hal_, 1 << 20};
  Mutex mutex_{hal_.hal(), LockRank::Device};
};

TEST_F(TunPartsTest, AFilterTakesEightAddressesExactlyAndGroupsByTheirHash) {
  TxFilter filter(hal_);
  const auto accepts = [&](HardwareAddress to) {
    Bytes frame(to.bytes.begin(), to.bytes.end());
    frame.resize(14);
    return filter.accepts(*packet(frame));
  };
  const HardwareAddress own{{2, 0, 0, 0, 0, 1}}, other{{2, 0, 0, 0, 0, 2}}, group{{1, 0, 0x5e, 0, 0, 1}},
      group2{{1, 0, 0x5e, 0, 0, 77}};
  EXPECT_TRUE(accepts(other)) << "without a filter everything";
  EXPECT_TRUE(filter.set(std::vector{own}, false));
  EXPECT_TRUE(accepts(own));
  EXPECT_FALSE(accepts(other) || accepts(group));
  EXPECT_TRUE(filter.set(std::vector{own}, true));
  EXPECT_TRUE(accepts(group) && accepts(group2));
  EXPECT_FALSE(accepts(other));
  std::vector<HardwareAddress> many(8, own);
  many.push_back(group);
  EXPECT_TRUE(filter.set(many, false));
  EXPECT_TRUE(accepts(group));
  EXPECT_FALSE(accepts(group2));
  many.push_back(other);
  EXPECT_FALSE(filter.set(many, false)) << "beyond the eighth only groups";
  EXPECT_TRUE(accepts(group2));
  EXPECT_TRUE(filter.set(std::vector{own}, false));
  EXPECT_FALSE(filter.accepts(*packet({2, 0}))) << "not even an address";
  filter.clear();
  EXPECT_TRUE(accepts(other));
}

TEST_F(TunPartsTest, AQueueHoldsAsManyAsItMay) {
  const Ref<TunQueue> one = queue();
  EXPECT_TRUE(one->push(packet({1}), 2) && one->push(packet({2}), 2));
  EXPECT_FALSE(one->push(packet({3}), 2));
  EXPECT_EQ(testing::bytes_of_packet(*one->take()), Bytes{1});
  one->shut();
  EXPECT_TRUE(one->is_empty() && one->is_shut());
  one->open();
  EXPECT_FALSE(one->is_shut());
}

TEST_F(TunPartsTest, AFlowGoesWhereItsLastPacketWasWritten) {
  TunQueues queues(mutex_);
  const Ref<TunQueue> a = queue(), b = queue(), c = queue();
  EXPECT_EQ(queues.choose(*packet(flow(1, 2, 3, 4)), 0).get(), nullptr);
  EXPECT_TRUE(queues.add(a, TunQueues::Several::No).is_ok());
  EXPECT_TRUE(queues.add(b, TunQueues::Several::No).is_error(Errno::EBUSY));
  EXPECT_TRUE(queues.add(b, TunQueues::Several::Yes).is_ok());
  EXPECT_TRUE(queues.add(c, TunQueues::Several::Yes).is_ok());
  for (const Ref<TunQueue>& writer : {a, b, c, a}) {
    queues.learn(*packet(flow(1, 2, 3, 4)), 0, *writer);
    EXPECT_EQ(queues.choose(*packet(flow(2, 1, 4, 3)), 0).get(), writer.get()) << "the other direction is the same flow";
  }
  // Flows nobody wrote of are spread.
  size_t of_a = 0;
  for (uint8_t port = 0; port < 200; ++port) of_a += queues.choose(*packet(flow(9, 8, 7, port)), 0) == a ? 1 : 0;
  EXPECT_GT(of_a, 20u);
  EXPECT_LT(of_a, 180u);
  queues.set_enabled(*a, false);
  EXPECT_EQ(queues.count(), 2u);
  EXPECT_FALSE(queues.is_enabled(*a));
  for (uint8_t port = 0; port < 50; ++port) EXPECT_NE(queues.choose(*packet(flow(2, 1, 4, port)), 0).get(), a.get());
  queues.remove(*b);
  queues.remove(*c);
  EXPECT_EQ(queues.choose(*packet(flow(1, 2, 3, 4)), 0).get(), nullptr);
  EXPECT_FALSE(queues.is_empty()) << "one is out of use, and there";
  queues.shut_all();
  EXPECT_TRUE(a->is_shut() && queues.is_empty());
}

TEST_F(TunPartsTest, AnythingIsAFrame) {
  TunQueues queues(mutex_);
  const Ref<TunQueue> a = queue(), b = queue();
  EXPECT_TRUE(queues.add(a, TunQueues::Several::Yes).is_ok() && queues.add(b, TunQueues::Several::Yes).is_ok());
  for (const Bytes& frame : {Bytes{}, Bytes{0x45}, Bytes{0x4f, 0, 0}, Bytes(60, 0x60), Bytes(60, 0x4f), Bytes(14, 0xff)}) {
    queues.learn(*packet(frame), 14, *b);
    EXPECT_NE(queues.choose(*packet(frame), 14).get(), nullptr);
    EXPECT_NE(queues.choose(*packet(frame), 0).get(), nullptr);
  }
}

}  // namespace
}  // namespace lxnet
