#include "netdev/packet.hh"

#include <gmock/gmock.h>

#include <vector>

#include "netdev/packet_pool.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;
using Bytes = std::vector<uint8_t>;

Bytes bytes_of_packet(const Packet& packet) {
  Bytes bytes(packet.size());
  EXPECT_EQ(packet.read(0, MutableByteSpan(bytes)), bytes.size());
  return bytes;
}

Bytes counting(size_t size, uint8_t first = 0) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i * 7);
  return bytes;
}

Bytes slice(const Bytes& bytes, size_t from, size_t size) {
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(from);
  return Bytes(begin, begin + static_cast<ptrdiff_t>(size));
}

class PacketTest : public ::testing::Test {
 protected:
  Ref<Packet> packet_of(const Bytes& bytes) {
    Ref<Packet> packet = Packet::create_linear(pool_, bytes.size()).take();
    copy_bytes(packet->append(bytes.size()), ByteSpan(bytes));
    return packet;
  }
  Ref<DataBlock> block_of(const Bytes& bytes) {
    Ref<DataBlock> block = DataBlock::create(pool_, bytes.size()).take();
    copy_bytes(MutableByteSpan(block->bytes(), block->capacity()), ByteSpan(bytes));
    return block;
  }

  TestHal hal_;
  PacketPool pool_{hal_, 64 << 20};
};

TEST_F(PacketTest, ASmallPacketIsOneObjectWithHeadroomAndLinuxsCharge) {
  Ref<Packet> packet = Packet::create(pool_).take();
  EXPECT_EQ(packet->headroom(), Packet::kDefaultHeadroom);
  EXPECT_EQ(packet->tailroom(), Packet::kInlineCapacity - Packet::kDefaultHeadroom);
  EXPECT_EQ(packet->true_size(), 832u);
  EXPECT_EQ(hal_.live_blocks(), 1u);
}

TEST_F(PacketTest, ALargeLinearPartLiesInABlockThatIsCharged) {
  Ref<Packet> packet = Packet::create_linear(pool_, 1500).take();
  EXPECT_EQ(packet->headroom(), Packet::kDefaultHeadroom);
  EXPECT_GE(packet->tailroom(), 1500u);
  EXPECT_EQ(packet->true_size(), 256u + 2048u);
}

TEST_F(PacketTest, HeadersArePushedInFrontAndConsumedAgain) {
  Ref<Packet> packet = packet_of({1, 2, 3});
  copy_bytes(packet->push_header(2), ByteSpan(Bytes{8, 9}));
  EXPECT_THAT(bytes_of_packet(*packet), ElementsAre(8, 9, 1, 2, 3));
  packet->mark_network_header();
  packet->consume(2);
  EXPECT_THAT(bytes_of_packet(*packet), ElementsAre(1, 2, 3));
  packet->restore_front(packet->network_header());
  EXPECT_EQ(packet->size(), 5u);
}

TEST_F(PacketTest, AFragmentThatFollowsInItsBlockIsCoalesced) {
  Ref<DataBlock> block = block_of(counting(100));
  Ref<Packet> packet = Packet::create(pool_).take();
  ASSERT_TRUE(packet->append_fragment(block, 0, 40).is_ok());
  ASSERT_TRUE(packet->append_fragment(block, 40, 60).is_ok());
  EXPECT_EQ(packet->fragments().size(), 1u);
  EXPECT_EQ(bytes_of_packet(*packet), counting(100));
  ASSERT_TRUE(packet->append_fragment(block, 0, 1).is_ok());
  EXPECT_EQ(packet->fragments().size(), 2u);
}

TEST_F(PacketTest, TheNineteenthFragmentIsRefusedAndChangesNothing) {
  Ref<DataBlock> block = block_of(counting(100));
  Ref<Packet> packet = Packet::create(pool_).take();
  for (size_t i = 0; i < Packet::kMaxFragments; ++i) ASSERT_TRUE(packet->append_fragment(block, 2, 3).is_ok());
  EXPECT_TRUE(packet->append_fragment(block, 2, 3).is_error(Errno::ENOBUFS));
  EXPECT_EQ(packet->size(), 3 * Packet::kMaxFragments);
}

TEST_F(PacketTest, PullUpMovesFragmentBytesIntoTheLinearPartAndKeepsMarks) {
  Ref<Packet> packet = packet_of({1, 2, 3, 4});
  packet->mark_link_header();
  packet->consume(2);
  packet->mark_network_header();
  ASSERT_TRUE(packet->append_fragment(block_of(counting(1000)), 0, 1000).is_ok());
  ASSERT_TRUE(packet->pull_up(900).is_ok());
  EXPECT_EQ(packet->linear().size(), 900u);
  EXPECT_EQ(packet->size(), 1002u);
  EXPECT_EQ(packet->network_header(), packet->linear().data());
  EXPECT_EQ(packet->link_header() + 2, packet->linear().data());
  EXPECT_EQ(packet->link_header()[0], 1);
  EXPECT_TRUE(packet->pull_up(1003).is_error(Errno::EINVAL));
}

TEST_F(PacketTest, ACloneMayBeGivenOtherHeadersWhileTheBlockIsShared) {
  for (size_t size : {10u, 150u, 1400u, 60000u}) {
    const Bytes bytes = counting(size);
    Ref<Packet> original = packet_of(bytes);
    Ref<Packet> copy = original->clone().take();
    EXPECT_EQ(bytes_of_packet(*copy), bytes);
    original->mutable_linear()[0] = 0xee;
    copy->mutable_linear()[1] = 0xdd;
    copy_bytes(copy->push_header(1), ByteSpan(Bytes{0xcc}));
    copy_bytes(original->push_header(1), ByteSpan(Bytes{0xbb}));
    Bytes expected = bytes;
    expected[0] = 0xee;
    expected.insert(expected.begin(), 0xbb);
    EXPECT_EQ(bytes_of_packet(*original), expected);
    expected = bytes;
    expected[1] = 0xdd;
    expected.insert(expected.begin(), 0xcc);
    EXPECT_EQ(bytes_of_packet(*copy), expected);
  }
}

TEST_F(PacketTest, ACloneKeepsMetadataAndConsumedHeadersButNotTheOwner) {
  Ref<Packet> original = packet_of(counting(1000));
  original->mark = 7;
  original->segment_size = 1448;
  original->checksum = ChecksumState::Partial;
  original->mark_network_header();
  original->consume(20);
  original->mark_transport_header();
  uint32_t released = 0;
  original->set_owner(
      &released, [](void* owner, uint32_t amount) { *static_cast<uint32_t*>(owner) += amount; }, 5);
  Ref<Packet> copy = original->clone().take();
  EXPECT_EQ(copy->mark, 7u);
  EXPECT_EQ(copy->segment_size, 1448u);
  EXPECT_EQ(copy->checksum, ChecksumState::Partial);
  ASSERT_NE(copy->network_header(), nullptr);
  EXPECT_EQ(copy->network_header() + 20, copy->transport_header());
  EXPECT_EQ(Bytes(copy->network_header(), copy->network_header() + 20), slice(counting(1000), 0, 20));
  copy = nullptr;
  EXPECT_EQ(released, 0u);
  original = nullptr;
  EXPECT_EQ(released, 5u);
}

TEST_F(PacketTest, WhatACloneCitesIsNotOverwrittenByTheOriginalsTail) {
  Ref<Packet> original = packet_of(counting(1000));
  Ref<Packet> copy = original->clone().take();
  original->trim(500);
  EXPECT_EQ(original->tailroom(), 0u);
  ASSERT_TRUE(original->append_copy(counting(300, 99)).is_ok());
  EXPECT_EQ(bytes_of_packet(*copy), counting(1000));
}

TEST_F(PacketTest, MakeWritableGivesBytesOfItsOwn) {
  Ref<Packet> original = packet_of(counting(1000));
  ASSERT_TRUE(original->append_fragment(block_of(counting(50)), 0, 50).is_ok());
  Ref<Packet> copy = original->clone().take();
  ASSERT_TRUE(original->make_writable(1050).is_ok());
  for (uint8_t& byte : original->mutable_linear()) byte = 0;
  Bytes expected = counting(1000);
  for (uint8_t byte : counting(50)) expected.push_back(byte);
  EXPECT_EQ(bytes_of_packet(*copy), expected);
}

TEST_F(PacketTest, AppendFromCitesBlocksAndCopiesWhatLiesInline) {
  Ref<Packet> source = packet_of(counting(1000));
  Ref<Packet> packet = Packet::create(pool_).take();
  ASSERT_TRUE(packet->append_from(*source, 10, 500).is_ok());
  ASSERT_EQ(packet->fragments().size(), 1u);
  EXPECT_EQ(packet->fragments()[0].bytes().data(), source->linear().data() + 10);
  Ref<Packet> small = packet_of({1, 2, 3});
  ASSERT_TRUE(packet->append_from(*small, 1, 2).is_ok());
  Bytes expected = slice(counting(1000), 10, 500);
  expected.push_back(2);
  expected.push_back(3);
  EXPECT_EQ(bytes_of_packet(*packet), expected);
  EXPECT_TRUE(packet->append_from(*small, 2, 2).is_error(Errno::EINVAL));
  EXPECT_EQ(bytes_of_packet(*packet), expected);
}

TEST_F(PacketTest, AFailedAppendFromLeavesThePacketAsItWas) {
  Ref<Packet> source = Packet::create(pool_).take();
  Ref<DataBlock> block = block_of(counting(100));
  for (size_t i = 0; i < Packet::kMaxFragments; ++i) ASSERT_TRUE(source->append_fragment(block, 1, 2).is_ok());
  Ref<Packet> packet = packet_of({1, 2, 3});
  ASSERT_TRUE(packet->append_fragment(block, 50, 5).is_ok());
  const Bytes before = bytes_of_packet(*packet);
  const uint32_t true_size = packet->true_size();
  EXPECT_TRUE(packet->append_from(*source, 0, source->size()).is_error(Errno::ENOBUFS));
  EXPECT_EQ(bytes_of_packet(*packet), before);
  EXPECT_EQ(packet->true_size(), true_size);
}

TEST_F(PacketTest, ANewOwnerReleasesTheOldOne) {
  uint32_t first = 0, second = 0;
  const auto release = [](void* owner, uint32_t amount) { *static_cast<uint32_t*>(owner) += amount; };
  Ref<Packet> packet = Packet::create(pool_).take();
  packet->set_owner(&first, release, 3);
  packet->set_owner(&second, release, 4);
  EXPECT_EQ(first, 3u);
  packet->orphan();
  packet->orphan();
  EXPECT_EQ(second, 4u);
}

TEST_F(PacketTest, AQueueOwnsItsPackets) {
  PacketQueue queue, other;
  queue.push_back(packet_of({1}));
  queue.push_back(packet_of({2}));
  other.push_back(packet_of({3}));
  queue.append(other);
  EXPECT_TRUE(other.is_empty());
  EXPECT_EQ(queue.count(), 3u);
  EXPECT_EQ(queue.remove(*queue.next(*queue.front()))->linear()[0], 2);
  EXPECT_EQ(queue.take_front()->linear()[0], 1);
  queue.clear();
  EXPECT_EQ(pool_.bytes_live(), 0u);
}

TEST_F(PacketTest, EveryFailingAllocationIsReportedAndLeavesTheBytes) {
  lxnet::testing::for_each_failing_allocation(hal_, [&] {
    pool_.trim();
    auto created = Packet::create_linear(pool_, 3000);
    if (!created.is_ok()) {
      EXPECT_EQ(created.error(), Errno::ENOBUFS);
      return;
    }
    Ref<Packet> packet = created.take();
    Bytes expected;
    const auto add = [&](const Bytes& bytes) {
      if (packet->append_copy(bytes).is_ok()) expected.insert(expected.end(), bytes.begin(), bytes.end());
      EXPECT_EQ(bytes_of_packet(*packet), expected);
    };
    add(counting(2000));
    add(counting(40000, 3));
    add(counting(9000, 9));
    static_cast<void>(packet->pull_up(std::min<size_t>(4000, packet->size())));
    EXPECT_EQ(bytes_of_packet(*packet), expected);
    auto copy = packet->clone();
    if (copy.is_ok()) {
      EXPECT_EQ(bytes_of_packet(*copy.take()), expected);
    }
    static_cast<void>(packet->ensure_headroom(5000));
    EXPECT_EQ(bytes_of_packet(*packet), expected);
  });
}

}  // namespace
}  // namespace lxnet
