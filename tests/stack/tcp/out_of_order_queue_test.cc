// The queue against a naive model: which bytes are there, that they are right, and what they cost.
#include "stack/tcp/out_of_order_queue.hh"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <utility>
#include <vector>

#include "netdev/packet_pool.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;

constexpr uint32_t kBase = 0xffff'ff00;  // numbers wrap
constexpr uint32_t kSpan = 600;

uint8_t byte_at(uint32_t position) { return static_cast<uint8_t>(position * 7 + position / 251); }

class OutOfOrderQueueTest : public ::testing::Test {
 protected:
  OutOfOrderQueue::Insertion insert(uint32_t at, uint32_t size, uint16_t spare = 0) {
    Ref<Packet> packet = Packet::create_linear(pool_, size).take();
    MutableByteSpan bytes = packet->append(size);
    for (uint32_t i = 0; i < size; ++i) bytes[i] = byte_at(at + i);
    ReceivedSegment::of(*packet) = {.seq = SeqNum(kBase + at), .spare = spare};
    return queue_.insert(std::move(packet));
  }
  // Takes all that follows on `from`, checks its bytes, and says where it ends.
  uint32_t take(uint32_t from) {
    PacketQueue reached;
    queue_.take_reached(SeqNum(kBase + from), reached);
    while (!reached.is_empty()) {
      const Ref<Packet> packet = reached.take_front();
      EXPECT_EQ(ReceivedSegment::of(*packet).seq, SeqNum(kBase + from));
      std::vector<uint8_t> bytes(packet->size());
      packet->read(0, MutableByteSpan(bytes));
      for (const uint8_t byte : bytes) EXPECT_EQ(byte, byte_at(from++));
    }
    return from;
  }

  TestHal test_hal_;
  PacketPool pool_{test_hal_.hal(), size_t{64} << 20};
  OutOfOrderQueue queue_{test_hal_.hal()};
};

TEST_F(OutOfOrderQueueTest, HoldsWhatAModelHolds) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    std::array<bool, kSpan> held{};
    const uint32_t longest = seed % 3 == 0 ? 3 : 60;  // the short ones make long runs
    for (int i = 0; i < 400; ++i) {
      const uint32_t size = 1 + below(longest), at = 1 + below(kSpan - size - 1);
      const auto inserted = insert(at, size, static_cast<uint16_t>(below(2) * below(40)));
      ASSERT_NE(inserted.outcome, OutOfOrderQueue::Outcome::Refused);
      for (uint32_t j = at; j < at + size; ++j) held[j] = true;
    }
    for (uint32_t at = 1; at < kSpan; ++at) {
      if (!held[at]) continue;
      uint32_t end = at;
      while (end < kSpan && held[end]) ++end;
      ASSERT_EQ(take(at), end) << seed;
      at = end;
    }
    ASSERT_TRUE(queue_.is_empty()) << seed;
    ASSERT_EQ(queue_.charge(), 0u) << seed;
  }
}

TEST_F(OutOfOrderQueueTest, WhatALongRunHasIsCutOffAsIfTheRunWereOne) {
  constexpr uint32_t kLong = 2 * (OutOfOrderQueue::kLongRun + 1);
  for (uint32_t at = 100; at < 100 + kLong; at += 2) insert(at, 2);
  const auto block = [](uint32_t left, uint32_t right) { return std::pair(SeqNum(kBase + left), SeqNum(kBase + right)); };
  const auto duplicate_of = [](const OutOfOrderQueue::Insertion& inserted) {
    return std::pair(inserted.duplicate.left, inserted.duplicate.right);
  };
  const size_t charge = queue_.charge();
  const auto inside = insert(111, 20);
  EXPECT_EQ(inside.outcome, OutOfOrderQueue::Outcome::Duplicate);
  EXPECT_EQ(duplicate_of(inside), block(111, 131));
  EXPECT_EQ(queue_.charge(), charge);
  EXPECT_EQ(duplicate_of(insert(90, 20)), block(100, 110));
  EXPECT_EQ(duplicate_of(insert(100 + kLong - 5, 10)), block(100 + kLong - 5, 100 + kLong));
  EXPECT_EQ(take(90), 100 + kLong + 5);
  EXPECT_EQ(queue_.charge(), 0u);
}

}  // namespace
}  // namespace lxnet
