#include "netdev/pair/pair_end.hh"

#include <gmock/gmock.h>

#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::Bytes;
using ::lxnet::testing::DeviceProbe;
using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;

class PairEndTest : public ::testing::Test {
 protected:
  PairEndTest() {
    PairEnd::connect(a_, b_);
    b_.set_wake([](void* context) { ++*static_cast<int*>(context); }, &wakes_of_b_);
  }

  TestHal hal_;
  PacketPool pool_of_a_{hal_, 1 << 20}, pool_of_b_{hal_, 1 << 20};
  PairEnd a_{hal_, pool_of_a_, {}, 4}, b_{hal_, pool_of_b_, {}, 4};
  DeviceProbe at_a_{hal_, pool_of_a_, a_}, at_b_{hal_, pool_of_b_, b_};
  int wakes_of_b_ = 0;
};

TEST_F(PairEndTest, FramesWaitAtTheOtherEndUntilItIsPumpedAndAreOfItsPool) {
  at_a_.send({1});
  at_a_.send(Bytes(50'000, 7));
  EXPECT_EQ(wakes_of_b_, 1);
  EXPECT_TRUE(at_b_.received.is_empty());
  EXPECT_EQ(pool_of_a_.bytes_live(), 0u);
  b_.pump();
  EXPECT_THAT(at_b_.take_received(), ElementsAre(Bytes{1}, Bytes(50'000, 7)));
  EXPECT_FALSE(b_.has_waiting());
  EXPECT_TRUE(at_a_.received.is_empty());
  at_a_.send({2});
  EXPECT_EQ(wakes_of_b_, 2);
}

TEST_F(PairEndTest, MoreThanItsQueueHoldsIsDroppedAndCounted) {
  for (uint8_t i = 0; i < 6; ++i) at_a_.send({i});
  b_.pump();
  EXPECT_THAT(at_b_.take_received(), ElementsAre(Bytes{0}, Bytes{1}, Bytes{2}, Bytes{3}));
  EXPECT_EQ(b_.statistics().rx_dropped, 2u);
  EXPECT_EQ(b_.statistics().rx_packets, 4u);
  EXPECT_EQ(a_.statistics().tx_packets, 6u);
}

TEST_F(PairEndTest, AFrameForWhichThereIsNoMemoryIsDropped) {
  Ref<Packet> packet = at_a_.packet_of(Bytes(10'000, 3));
  pool_of_b_.trim();
  hal_.fail_allocation(0, TestHal::Fail::All);
  at_a_.send(std::move(packet));
  hal_.allow_all_allocations();
  EXPECT_FALSE(b_.has_waiting());
  EXPECT_EQ(b_.statistics().rx_dropped, 1u);
}

TEST_F(PairEndTest, PulledApartBothEndsHearItAndDropWhatIsSent) {
  b_.disconnect();
  EXPECT_FALSE(a_.is_link_up());
  EXPECT_EQ(at_a_.link_changes, 2) << "up, then down";
  EXPECT_EQ(at_b_.link_changes, 2) << "up, then down";
  at_a_.send({1});
  EXPECT_EQ(a_.statistics().tx_dropped, 1u);
}

}  // namespace
}  // namespace lxnet
