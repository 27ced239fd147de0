// What a program says of a packet's checksum and segments is believed only as far as it can be done.
#include "stack/ip/offload.hh"

#include <gmock/gmock.h>

#include "netdev/packet_pool.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

class ReceivedOffloadTest : public ::testing::Test {
 protected:
  // IPv4 and TCP headers and 100 bytes.
  Ref<Packet> packet(size_t payload = 100) {
    Ref<Packet> packet = Packet::create_linear(pool_, 40 + payload).take();
    const MutableByteSpan bytes = packet->append(40 + payload);
    for (uint8_t& byte : bytes) byte = 0;
    bytes[0] = 0x45;
    bytes[32] = 0x50;
    packet->checksum = ChecksumState::Partial;
    packet->checksum_start = 20;
    packet->checksum_offset = 16;
    return packet;
  }
  Ref<Packet> segments(size_t payload = 100) {
    Ref<Packet> whole = packet(payload);
    whole->segmentation = SegmentationKind::Tcp;
    whole->segment_size = 10;
    return whole;
  }

  testing::TestHal hal_;
  PacketPool pool_{hal_, 1 << 20};
};

TEST_F(ReceivedOffloadTest, AFieldMustLieInThePacket) {
  EXPECT_TRUE(has_sound_offloads(*packet()));
  Ref<Packet> cut = packet();
  cut->trim(38);
  EXPECT_TRUE(has_sound_offloads(*cut)) << "just";
  cut->trim(37);
  EXPECT_FALSE(has_sound_offloads(*cut));
  Ref<Packet> far = packet();
  far->checksum_offset = UINT16_MAX;
  EXPECT_FALSE(has_sound_offloads(*far));
  far = packet();
  far->checksum_start = UINT16_MAX;
  EXPECT_FALSE(has_sound_offloads(*far));
}

TEST_F(ReceivedOffloadTest, SegmentsAreThoseOfHeadersThatAreThere) {
  EXPECT_TRUE(has_sound_offloads(*segments()));
  EXPECT_TRUE(has_sound_offloads(*segments(0)));
  const auto refuse = [this](auto&& spoil) {
    Ref<Packet> whole = segments();
    spoil(*whole);
    EXPECT_FALSE(has_sound_offloads(*whole));
  };
  refuse([](Packet& whole) { whole.checksum = ChecksumState::Verified; });
  refuse([](Packet& whole) { whole.checksum_offset = 6; });
  refuse([](Packet& whole) { whole.segment_size = 0; });
  refuse([](Packet& whole) { whole.checksum_start = 19; });
  refuse([](Packet& whole) { whole.segmentation = SegmentationKind::Udp; });
  refuse([](Packet& whole) { whole.mutable_linear()[0] = 0x4f; });   // longer than where the transport is to begin
  refuse([](Packet& whole) { whole.mutable_linear()[32] = 0x40; });  // shorter than a TCP header
  refuse([](Packet& whole) { whole.trim(39); });
  refuse([](Packet& whole) {
    whole.mutable_linear()[32] = 0xf0;
    whole.trim(70);
  });
}

TEST_F(ReceivedOffloadTest, NothingIsLeftOfACompletePacket) {
  Ref<Packet> complete = packet();
  complete->checksum = ChecksumState::Unknown;
  EXPECT_TRUE(has_sound_offloads(*complete));
}

}  // namespace
}  // namespace lxnet
