#include "netdev/loopback/loopback.hh"

#include <gmock/gmock.h>

#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::DeviceProbe;
using ::lxnet::testing::TestHal;

TEST(LoopbackTest, WhatIsSentIsReceivedAsTheSamePacketCreditedAndVerified) {
  TestHal hal;
  PacketPool pool(hal, 1 << 20);
  Loopback loopback;
  DeviceProbe probe(hal, pool, loopback);
  Ref<Packet> sent = probe.packet_of({1, 2, 3});
  Packet* identity = sent.get();
  uint32_t credited = 0;
  sent->set_owner(
      &credited, [](void* owner, uint32_t amount) { *static_cast<uint32_t*>(owner) += amount; }, 768);
  sent->checksum = ChecksumState::Partial;
  sent->segmentation = SegmentationKind::Tcp;
  probe.send(std::move(sent));
  ASSERT_EQ(probe.received.front(), identity);
  EXPECT_EQ(credited, 768u);
  EXPECT_EQ(identity->checksum, ChecksumState::Verified);
  EXPECT_EQ(identity->segmentation, SegmentationKind::Tcp);
  EXPECT_TRUE(identity->is_looped);
  EXPECT_EQ(loopback.statistics().rx_packets, 1u);
  EXPECT_EQ(loopback.statistics().tx_bytes, 3u);
}

TEST(LoopbackTest, ACompleteChecksumIsLeftToTheReceiverToVerify) {
  TestHal hal;
  PacketPool pool(hal, 1 << 20);
  Loopback loopback;
  DeviceProbe probe(hal, pool, loopback);
  probe.send({1, 2, 3});
  EXPECT_EQ(probe.received.front()->checksum, ChecksumState::Unknown);
}

}  // namespace
}  // namespace lxnet
