#include "netdev/packet_pool.hh"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kRecycles = false;
#elif defined(__has_feature)
constexpr bool kRecycles = !__has_feature(address_sanitizer);
#else
constexpr bool kRecycles = true;
#endif

TEST(PacketPoolTest, AFreedPacketIsTheNextOneWithoutAskingTheHost) {
  if (!kRecycles) GTEST_SKIP() << "AddressSanitizer sees every free";
  TestHal hal;
  PacketPool pool(hal, 1 << 20);
  Packet* first = Packet::create(pool).take().get();
  const size_t count = hal.allocation_count();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Packet::create(pool).take().get(), first);
  EXPECT_EQ(hal.allocation_count(), count);
}

TEST(PacketPoolTest, BytesLiveCountsWhatIsOutAndTrimGivesTheRestBack) {
  TestHal hal;
  PacketPool pool(hal, 64 << 20);
  std::vector<Ref<Packet>> packets;
  for (int i = 0; i < 1000; ++i) packets.push_back(Packet::create_linear(pool, 1500).take());
  const size_t live = pool.bytes_live();
  EXPECT_EQ(live, 1000 * (sizeof(Packet) + sizeof(DataBlock) + 2048));
  packets.resize(500);
  EXPECT_EQ(pool.bytes_live(), live / 2);
  pool.trim();
  EXPECT_EQ(hal.live_bytes(), live / 2);
  EXPECT_EQ(pool.bytes_live(), live / 2);
  packets.clear();
  EXPECT_EQ(pool.bytes_live(), 0u);
}

TEST(PacketPoolTest, BatchesThroughTheDepotAreReused) {
  if (!kRecycles) GTEST_SKIP() << "AddressSanitizer sees every free";
  TestHal hal;
  static uint32_t processor = 0;
  lxnet_hal table = hal.table();
  table.processor = [](void*) { return processor; };
  Hal two = Hal::create(table, nullptr).take();
  PacketPool pool(two, 64 << 20);
  const auto make = [&](size_t count) {
    std::vector<Ref<Packet>> packets;
    for (size_t i = 0; i < count; ++i) packets.push_back(Packet::create(pool).take());
    return packets;
  };
  // One processor allocates, another frees: after the first round nothing more comes from the host but what the depot cannot
  // hold.
  for (int round = 0; round < 10; ++round) {
    processor = 0;
    auto packets = make(256);
    processor = 1;
    packets.clear();
  }
  EXPECT_LE(hal.allocation_count(), 256u + 128u);
}

TEST(PacketPoolTest, PastTheLimitThereAreNoBuffersUntilSomeReturn) {
  TestHal hal;
  PacketPool pool(hal, 1 << 20);
  std::vector<Ref<Packet>> packets;
  while (true) {
    auto packet = Packet::create_linear(pool, 1500);
    if (!packet.is_ok()) {
      EXPECT_EQ(packet.error(), Errno::ENOBUFS);
      break;
    }
    packets.push_back(packet.take());
  }
  EXPECT_LE(hal.live_bytes(), 1u << 20);
  EXPECT_GT(hal.live_bytes(), (1u << 20) - 4096);
  packets.pop_back();
  packets.pop_back();
  EXPECT_TRUE(Packet::create_linear(pool, 1500).is_ok());
  // What is cached for one size does not keep another from being had.
  packets.clear();
  EXPECT_TRUE(DataBlock::create(pool, 900'000).is_ok());
  EXPECT_EQ(DataBlock::create(pool, 2 << 20).error(), Errno::ENOBUFS);
}

TEST(PacketPoolTest, BlocksHoldAtLeastWhatWasAskedForInEverySize) {
  TestHal hal;
  PacketPool pool(hal, 64 << 20);
  for (size_t size :
       {size_t{0}, size_t{1}, size_t{2048}, size_t{2049}, size_t{32768}, size_t{65536}, size_t{70000}, size_t{1} << 20}) {
    Ref<DataBlock> block = DataBlock::create(pool, size).take();
    ASSERT_GE(block->capacity(), size);
    memset(block->bytes(), 1, block->capacity());
  }
  EXPECT_EQ(DataBlock::create(pool, SIZE_MAX).error(), Errno::ENOBUFS);
}

}  // namespace
}  // namespace lxnet
