// Ownership of a socket, played through on one thread: what the others would do happens inside park() and the work functions.
#include "stack/socket_lock.hh"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

std::vector<std::string>* log_of_work = nullptr;

void note_packet(Entry&, SocketLock&, Ref<Packet> packet) { log_of_work->push_back("packet " + std::to_string(packet->size())); }
void note_bits(Entry&, SocketLock&, uint32_t bits) { log_of_work->push_back("bits " + std::to_string(bits)); }
constexpr SocketWork kWork{.packet = &note_packet, .deferred = &note_bits};

class SocketLockTest : public ::testing::Test {
 protected:
  SocketLockTest() { log_of_work = &log; }
  Ref<Packet> packet(size_t size) {
    auto made = Packet::create(stack.stack->pool());
    Ref<Packet> packet = made.take();
    packet->append(size);
    return packet;
  }
  TestStack stack;
  std::vector<std::string> log;
  Mutex mutex{stack.stack->hal(), LockRank::Socket};
  SocketLock lock{kWork, mutex};
};

TEST_F(SocketLockTest, PacketsAndTimersOfAnOwnedSocketWaitForRelease) NO_THREAD_SAFETY_ANALYSIS {
  Entry entry(*stack.stack);
  lock.acquire(entry);
  Ref<Packet> first = packet(1), second = packet(2);
  EXPECT_FALSE(lock.acquire_or_queue(entry, first, 1 << 20));
  EXPECT_FALSE(first);
  EXPECT_FALSE(lock.acquire_or_defer(entry, 4));
  EXPECT_FALSE(lock.acquire_or_defer(entry, 1));
  EXPECT_FALSE(lock.acquire_or_queue(entry, second, 1 << 20));
  EXPECT_TRUE(log.empty());
  EXPECT_GT(lock.backlog_bytes(), 0u);
  lock.release(entry);
  EXPECT_EQ(log, (std::vector<std::string>{"packet 1", "packet 2", "bits 5"}));
  EXPECT_EQ(lock.backlog_bytes(), 0u);
  EXPECT_TRUE(lock.try_acquire(entry));
  lock.release(entry);
}

TEST_F(SocketLockTest, FullBacklogLeavesThePacketToItsBearer) NO_THREAD_SAFETY_ANALYSIS {
  Entry entry(*stack.stack);
  lock.acquire(entry);
  Ref<Packet> first = packet(1), second = packet(2);
  EXPECT_FALSE(lock.acquire_or_queue(entry, first, 0));
  EXPECT_FALSE(lock.acquire_or_queue(entry, second, 0));
  EXPECT_FALSE(first);
  EXPECT_TRUE(second);
  lock.release(entry);
  EXPECT_EQ(log, (std::vector<std::string>{"packet 1"}));
}

TEST_F(SocketLockTest, FreeLockIsTakenAtOnce) NO_THREAD_SAFETY_ANALYSIS {
  Entry entry(*stack.stack);
  Ref<Packet> first = packet(1);
  EXPECT_TRUE(lock.acquire_or_queue(entry, first, 0));
  EXPECT_TRUE(first);
  EXPECT_FALSE(lock.try_acquire(entry));
  lock.release(entry);
  EXPECT_TRUE(lock.acquire_or_defer(entry, 1));
  lock.release(entry);
  EXPECT_TRUE(log.empty());
}

TEST_F(SocketLockTest, TaskThatFindsItOwnedParksUntilItIsHandedOver) NO_THREAD_SAFETY_ANALYSIS {
  Entry owner(*stack.stack), waiter(*stack.stack);
  lock.acquire(owner);
  int parks = 0;
  stack.hal.on_park = [&](int64_t, bool interruptible) NO_THREAD_SAFETY_ANALYSIS {
    EXPECT_FALSE(interruptible);
    // The first return is spurious: nothing was handed over yet.
    if (++parks == 2) {
      Ref<Packet> first = packet(9);
      Entry bearer(*stack.stack);
      EXPECT_FALSE(lock.acquire_or_queue(bearer, first, 1 << 20));
      stack.hal.advance(Duration::seconds(1));
      lock.release(owner);
    }
    return int{LXNET_PARK_WOKEN};
  };
  lock.acquire(waiter);
  EXPECT_EQ(parks, 2);
  EXPECT_EQ(stack.hal.unpark_count, 1u);
  EXPECT_EQ(log, (std::vector<std::string>{"packet 9"}));
  EXPECT_EQ(waiter.now(), stack.hal.now());
  EXPECT_FALSE(lock.try_acquire(owner));
  lock.release(waiter);
  EXPECT_TRUE(lock.try_acquire(owner));
  lock.release(owner);
}

// Who read the clock first may come second: for the socket it is as late as it was for the first.
TEST_F(SocketLockTest, TheTimeOfASocketGoesForward) NO_THREAD_SAFETY_ANALYSIS {
  Entry early(*stack.stack), late(*stack.stack);
  const Instant before = early.now();
  stack.hal.advance(Duration::millis(10));
  const Instant after = late.now();
  ASSERT_GT(after, before);
  lock.acquire(late);
  lock.release(late);
  EXPECT_EQ(early.now(), before);
  ASSERT_TRUE(lock.try_acquire(early));
  EXPECT_EQ(early.now(), after);
  lock.release(early);
}

// An owner that has asked for no time yet reads the clock when it does.
TEST_F(SocketLockTest, WhoHasNotReadTheClockReadsIt) NO_THREAD_SAFETY_ANALYSIS {
  Entry first(*stack.stack), second(*stack.stack);
  static_cast<void>(first.now());
  lock.acquire(first);
  lock.release(first);
  stack.hal.advance(Duration::millis(10));
  lock.acquire(second);
  EXPECT_EQ(second.now(), stack.hal.now());
  lock.release(second);
}

}  // namespace
}  // namespace lxnet
