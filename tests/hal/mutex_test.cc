#include "hal/mutex.hh"

#include <gtest/gtest.h>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;

// Counts what reaches the host's lock.
struct LockHost : TestHal {
  LockHost() : hal_with_locks(make()) {}
  Hal make() {
    lxnet_hal copy = table();
    copy.lock = [](void*, lxnet_lock* lock) {
      EXPECT_EQ(0u, lock->storage[0]) << "locked twice";
      lock->storage[0] = 1;
    };
    copy.unlock = [](void*, lxnet_lock* lock) {
      EXPECT_EQ(1u, lock->storage[0]) << "unlocked without being locked";
      lock->storage[0] = 0;
    };
    return Hal::create(copy, nullptr).take();
  }
  Hal hal_with_locks;
};

TEST(Mutex, LocksTheHostsLockForAScope) {
  LockHost host;
  Mutex mutex(host.hal_with_locks, LockRank::Socket);
  { MutexLock lock(mutex); }
  { MutexLock again(mutex); }
}

TEST(Mutex, NestsInRisingRank) {
  LockHost host;
  Mutex outer(host.hal_with_locks, LockRank::Socket);
  Mutex inner(host.hal_with_locks, LockRank::Timers);
  MutexLock first(outer);
  MutexLock second(inner);
}

TEST(Mutex, WorksWithoutTheHostsLocks) {
  TestHal host;
  lxnet_hal table = host.table();
  table.lock = table.unlock = nullptr;
  const Hal hal = Hal::create(table, nullptr).take();
  Mutex mutex(hal, LockRank::Socket);
  MutexLock lock(mutex);
}

TEST(Mutex, RanksAreNotCheckedWhereTheHostKeepsNoChain) {
  LockHost host;
  lxnet_hal table = host.hal_with_locks.table();
  table.lock_slot = nullptr;
  const Hal hal = Hal::create(table, nullptr).take();
  Mutex low(hal, LockRank::Socket);
  Mutex high(hal, LockRank::Timers);
  MutexLock first(high);
  MutexLock second(low);
}

#if defined(LXNET_DEBUG)
void lock_both(LockRank outer_rank, LockRank inner_rank) {
  LockHost host;
  Mutex outer(host.hal_with_locks, outer_rank);
  Mutex inner(host.hal_with_locks, inner_rank);
  MutexLock first(outer);
  MutexLock second(inner);
}

TEST(MutexDeathTest, RefusesFallingAndEqualRank) {
  EXPECT_DEATH(lock_both(LockRank::Timers, LockRank::Socket), "");
  EXPECT_DEATH(lock_both(LockRank::Socket, LockRank::Socket), "");
}

// Three levels: the chain is restored one by one.
TEST(Mutex, ChainIsRestoredAsLocksAreReleased) {
  LockHost host;
  Mutex low(host.hal_with_locks, LockRank::Socket);
  Mutex middle(host.hal_with_locks, LockRank::PortTable);
  Mutex high(host.hal_with_locks, LockRank::Timers);
  MutexLock first(low);
  {
    MutexLock second(middle);
    { MutexLock third(high); }
    { MutexLock third_again(high); }
  }
  { MutexLock second_again(middle); }
  EXPECT_EQ(&low, *host.hal_with_locks.lock_slot());
}
#endif

}  // namespace
}  // namespace lxnet
