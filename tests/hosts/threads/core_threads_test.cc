// The lower layers under several processors at once; meant for ThreadSanitizer.
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "hal/timer.hh"
#include "hosts/threads/thread_hal.hh"
#include "netdev/impair/impair.hh"
#include "netdev/packet_pool.hh"
#include "netdev/pair/pair_end.hh"

namespace lxnet::threads {
namespace {

constexpr int kThreads = 4;

void on_threads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(FutexTest, TheLockExcludesAndAParkedThreadIsWoken) {
  lxnet_lock shared{};
  int64_t counter = 0;
  on_threads([&](int) {
    for (int i = 0; i < 20'000; ++i) {
      lock(shared);
      ++counter;
      unlock(shared);
    }
  });
  EXPECT_EQ(counter, kThreads * 20'000);
  ParkingPlace place;
  std::atomic<int> rounds = 0;
  std::thread sleeper([&] {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(place.park(INT64_MAX), LXNET_PARK_WOKEN);
      ++rounds;
    }
  });
  for (int i = 0; i < 1000; ++i) {
    place.unpark();
    while (rounds.load() <= i) std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_EQ(place.park(monotonic_nanos() + 1000), LXNET_PARK_TIMED_OUT);
}

TEST(PoolThreadsTest, PacketsAllocatedHereAndFreedThereAllReturn) {
  ThreadHal host;
  PacketPool pool(host.hal(), 256 << 20);
  Mutex mutex(host.hal(), LockRank::Socket);
  PacketQueue shared;
  on_threads([&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 5000; ++i) {
      Ref<Packet> packet = Packet::create_linear(pool, random() % 4000).take();
      packet->append(1)[0] = static_cast<uint8_t>(i);
      if (random() % 4 == 0) packet = packet->clone().take();
      MutexLock lock(mutex);
      shared.push_back(std::move(packet));
      if (shared.count() > 500) shared.take_front();
    }
  });
  shared.clear();
  EXPECT_EQ(pool.bytes_live(), 0u);
  pool.trim();
  EXPECT_EQ(host.live_bytes(), 0u);
}

// An object as TCP has it: counted, locked, with a timer that other threads arm and cancel while it fires.
struct Connection : RefCounted<Connection> {
  Connection(const Hal& hal, Timers& timers) : hal(hal), timers(timers), mutex(hal, LockRank::Socket) {}
  ~Connection() { timers.cancel(timer); }
  static void destroy(Connection* connection) { delete connection; }
  static void on_timer(Entry&, Timer& timer) {
    Connection& self = owner_of<Connection, &Connection::timer>(timer);
    MutexLock lock(self.mutex);
    if (!timer.claim()) return;
    EXPECT_TRUE(self.is_wanted) << "fired after cancel() had returned under the lock";
    EXPECT_LE(self.deadline, self.hal.now());
    self.is_wanted = false;
    ++self.fired;
  }

  const Hal& hal;
  Timers& timers;
  Mutex mutex;
  bool is_wanted GUARDED_BY(mutex) = false;
  Instant deadline GUARDED_BY(mutex);
  int fired GUARDED_BY(mutex) = 0;
  Timer timer{&on_timer, &kTimerOwner<Connection, &Connection::timer>};
};

TEST(TimerThreadsTest, ACancelledTimerDoesNotActAndADyingObjectIsNotTouched) {
  std::atomic<Timers*> wheel = nullptr;
  ThreadHal host(
      [&](lxnet_stack*) { wheel.load()->expire(*reinterpret_cast<Entry*>(&wheel), Instant::from_nanos(monotonic_nanos())); });
  Timers timers(host.hal(), nullptr);
  wheel = &timers;
  std::atomic<int> fired = 0;
  on_threads([&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 3000; ++i) {
      Ref<Connection> connection = Ref<Connection>::adopt(new Connection(host.hal(), timers));
      for (int round = 0; round < 4; ++round) {
        {
          MutexLock lock(connection->mutex);
          if (random() % 3 != 0) {
            connection->deadline = host.hal().now() + Duration::micros(random() % 60);
            connection->is_wanted = true;
            timers.arm(connection->timer, connection->deadline);
          } else {
            timers.cancel(connection->timer);
            connection->is_wanted = false;
          }
        }
        // Another processor's entry may find the time come as well.
        if (random() % 4 == 0) timers.expire(*reinterpret_cast<Entry*>(&wheel), host.hal().now());
      }
      MutexLock lock(connection->mutex);
      fired += connection->fired;
    }
  });
  EXPECT_GT(fired.load(), 0);
  host.stop();
  EXPECT_TRUE(timers.next_deadline().is_never());
}

TEST(DeviceThreadsTest, FramesOfManySendersCrossAnImpairedPair) {
  std::atomic<Timers*> wheel = nullptr;
  ThreadHal host(
      [&](lxnet_stack*) { wheel.load()->expire(*reinterpret_cast<Entry*>(&wheel), Instant::from_nanos(monotonic_nanos())); });
  Timers timers(host.hal(), nullptr);
  wheel = &timers;
  PacketPool pool_a(host.hal(), 256 << 20), pool_b(host.hal(), 256 << 20);
  PairEnd a(host.hal(), pool_a, {}), b(host.hal(), pool_b, {});
  PairEnd::connect(a, b);
  Impair impair(host.hal(), timers, a, parse_impair_config("delay=200us jitter=100us", nullptr).take());
  struct Receiver {
    PairEnd& end;
    ThreadHal& host;
    std::atomic<size_t> received = 0;
  } receiver{b, host};
  ASSERT_TRUE(b.start().is_ok());
  b.attach({.owner = &receiver,
            .receive =
                [](void* owner, Entry&, PacketQueue& batch) {
                  static_cast<Receiver*>(owner)->received += batch.count();
                  batch.clear();
                },
            .schedule_poll =
                [](void* owner) {
                  Receiver& self = *static_cast<Receiver*>(owner);
                  while (self.end.poll(*reinterpret_cast<Entry*>(owner), 64) == 64) {
                  }
                },
            .link_changed = nullptr});
  b.set_wake(
      [](void* context) {
        Receiver& self = *static_cast<Receiver*>(context);
        self.host.post([&self] { self.end.pump(); });
      },
      &receiver);
  constexpr int kPackets = 1000;
  on_threads([&](int) {
    for (int i = 0; i < kPackets; ++i) {
      PacketQueue batch;
      batch.push_back(Packet::create(pool_a).take());
      batch.front()->append(64);
      impair.transmit(*reinterpret_cast<Entry*>(&wheel), host.hal().now(), batch);
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  const auto expected = [&] { return kThreads * kPackets - impair.counters().over_limit; };
  for (int i = 0; i < 2000 && receiver.received < expected(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(receiver.received, expected());
  impair.stop();
  host.stop();
  b.stop();
}

}  // namespace
}  // namespace lxnet::threads
