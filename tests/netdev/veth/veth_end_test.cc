#include "netdev/veth/veth_end.hh"

#include <gmock/gmock.h>

#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::Bytes;
using ::lxnet::testing::DeviceProbe;
using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two stacks' worth of what a device needs, and a client at each end.
class VethEndTest : public ::testing::Test {
 protected:
  struct Place {
    explicit Place(TestHal& hal) : pool(hal, 1 << 22), timers(hal, nullptr) {}
    PacketPool pool;
    Timers timers;
    std::vector<Bytes> received;
    int news = 0;
  };
  VethEndTest() {
    EXPECT_TRUE(VethEnd::create(hal_, {end_of(a_), end_of(b_)}, ends_).is_ok());
    attach(0, a_);
    attach(1, b_);
  }
  ~VethEndTest() override {
    for (const Ref<VethEnd>& end : ends_) {
      if (!end) continue;
      end->stop();
      end->attach({});
    }
  }

  static VethEnd::End end_of(Place& place) {
    return {.home = {.timers = place.timers, .pool = place.pool}, .address = {}, .mtu = 1500};
  }
  void attach(int side, Place& place) {
    ends_[side]->attach({.owner = &place,
                         .receive =
                             [](void* owner, Entry&, PacketQueue& batch) {
                               while (const Ref<Packet> packet = batch.take_front()) {
                                 EXPECT_EQ(&packet->pool(), &static_cast<Place*>(owner)->pool);
                                 static_cast<Place*>(owner)->received.push_back(testing::bytes_of_packet(*packet));
                               }
                             },
                         .link_changed = [](void* owner) { ++static_cast<Place*>(owner)->news; }});
  }
  void start_both() {
    for (const Ref<VethEnd>& end : ends_) EXPECT_TRUE(end->start().is_ok());
  }
  // Devices pass it on and never look inside.
  Entry& entry() { return *reinterpret_cast<Entry*>(this); }
  Ref<Packet> packet_of(int side, const Bytes& bytes) {
    Place& from = side == 0 ? a_ : b_;
    Ref<Packet> packet = Packet::create(from.pool).take();
    EXPECT_TRUE(packet->append_copy(bytes).is_ok());
    return packet;
  }
  void send(int side, const Bytes& bytes) { send(side, packet_of(side, bytes)); }
  void send(int side, Ref<Packet> packet) {
    PacketQueue batch;
    batch.push_back(std::move(packet));
    ends_[side]->transmit(entry(), hal_.now(), batch);
    EXPECT_TRUE(batch.is_empty()) << "a device takes every packet";
  }
  std::vector<Bytes> expire(Place& place) {
    place.timers.expire(entry(), hal_.now());
    return std::exchange(place.received, {});
  }

  TestHal hal_;
  Place a_{hal_}, b_{hal_};
  Ref<VethEnd> ends_[2];
};

TEST_F(VethEndTest, FramesWaitForATimerOfTheOtherStackAndAreOfItsPool) {
  start_both();
  send(0, {1});
  send(0, Bytes(1500, 7));
  EXPECT_EQ(b_.timers.next_deadline(), hal_.now());
  EXPECT_THAT(b_.received, IsEmpty());
  EXPECT_EQ(a_.pool.bytes_live(), 0u);
  EXPECT_THAT(expire(b_), ElementsAre(Bytes{1}, Bytes(1500, 7)));
  EXPECT_TRUE(b_.timers.next_deadline().is_never());
  send(1, {2});
  EXPECT_THAT(expire(a_), ElementsAre(Bytes{2}));
  EXPECT_EQ(ends_[0]->statistics().tx_packets, 2u);
  EXPECT_EQ(ends_[1]->statistics().rx_bytes, 1501u);
}

TEST_F(VethEndTest, TheCarrierIsThereWhileBothAreUpAndTheOtherEndHearsOfIt) {
  EXPECT_TRUE(ends_[0]->start().is_ok());
  EXPECT_FALSE(ends_[0]->is_link_up());
  EXPECT_TRUE(ends_[1]->start().is_ok());
  EXPECT_TRUE(ends_[0]->is_link_up() && ends_[1]->is_link_up());
  expire(a_);
  expire(b_);
  EXPECT_EQ(a_.news, 1);
  EXPECT_EQ(b_.news, 0) << "who is brought up looks itself";
  ends_[1]->stop();
  EXPECT_FALSE(ends_[0]->is_link_up() || ends_[1]->is_link_up());
  expire(a_);
  EXPECT_EQ(a_.news, 2);
  EXPECT_FALSE(ends_[0]->is_lower_layer_down()) << "what is below is in another stack";
}

TEST_F(VethEndTest, WhatTheOtherEndCannotTakeIsDropped) {
  send(0, {1});
  EXPECT_EQ(ends_[0]->statistics().tx_dropped, 1u) << "down";
  start_both();
  send(0, Bytes(1500 + 18, 1));
  send(0, Bytes(1500 + 19, 1));
  EXPECT_THAT(expire(b_), ElementsAre(Bytes(1518, 1))) << "a header, a tag and the MTU";
  Ref<Packet> packet = packet_of(0, Bytes(1400, 3));
  hal_.fail_allocation(0, TestHal::Fail::All);
  b_.pool.trim();
  send(0, std::move(packet));
  hal_.allow_all_allocations();
  EXPECT_THAT(expire(b_), IsEmpty());
  EXPECT_EQ(ends_[0]->statistics().tx_dropped, 3u);
  for (size_t i = 0; i < VethPair::kQueueLimit + 5; ++i) send(0, {1});
  EXPECT_EQ(expire(b_).size(), VethPair::kQueueLimit);
  EXPECT_EQ(ends_[0]->statistics().tx_dropped, 8u);
}

TEST_F(VethEndTest, WhatWaitsAtAnEndIsGoneWhenItStops) {
  start_both();
  send(0, {1});
  ends_[1]->stop();
  EXPECT_EQ(b_.pool.bytes_live(), 0u);
  EXPECT_TRUE(b_.timers.next_deadline().is_never());
  EXPECT_TRUE(ends_[1]->start().is_ok());
  EXPECT_THAT(expire(b_), IsEmpty());
}

TEST_F(VethEndTest, AnEndThatMovedReceivesWhereItIs) {
  Place c(hal_);
  start_both();
  ends_[1]->stop();
  ends_[1]->attach({});
  ends_[1]->move_to({.timers = c.timers, .pool = c.pool});
  attach(1, c);
  EXPECT_TRUE(ends_[1]->start().is_ok());
  send(0, {4});
  EXPECT_THAT(expire(b_), IsEmpty());
  EXPECT_THAT(expire(c), ElementsAre(Bytes{4}));
  ends_[1]->stop();
  ends_[1]->attach({});
}

TEST_F(VethEndTest, WithoutItsOtherEndAnEndIsNotBroughtUp) {
  EXPECT_EQ(ends_[0]->peer().get(), ends_[1].get());
  ends_[1]->attach({});
  EXPECT_TRUE(ends_[0]->start().is_error(Errno::ENOTCONN));
  ends_[1] = nullptr;
  EXPECT_TRUE(ends_[0]->start().is_error(Errno::ENOTCONN));
  EXPECT_EQ(ends_[0]->peer().get(), nullptr);
  send(0, {1});
  EXPECT_EQ(ends_[0]->statistics().tx_dropped, 1u);
}

}  // namespace
}  // namespace lxnet
