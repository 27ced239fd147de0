// Timers at a million armed: what an acknowledgement (re-arm), a new connection (arm) and a closed one (cancel) pay.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "base/hosted_errno.hh"
#include "hal/timer.hh"

namespace lxnet {
namespace {

// A host of which the wheel uses nothing but the alarm.
Hal quiet_hal() {
  lxnet_hal table{};
  table.abi_version = LXNET_HAL_VERSION;
  table.struct_size = sizeof table;
  table.set_alarm = [](void*, lxnet_stack*, int64_t) {};
  table.monotonic_nanos = table.wall_nanos = [](void*) -> int64_t { abort(); };
  table.alloc = [](void*, size_t, size_t) -> void* { abort(); };
  table.free = [](void*, void*, size_t) { abort(); };
  table.random_bytes = [](void*, void*, size_t) { abort(); };
  table.current_task = [](void*) -> lxnet_task* { abort(); };
  table.park = [](void*, int64_t, int) -> int { abort(); };
  table.unpark = [](void*, lxnet_task*) { abort(); };
  table.copy_from_user = [](void*, void*, uint64_t, size_t) -> size_t { abort(); };
  table.copy_to_user = [](void*, uint64_t, const void*, size_t) -> size_t { abort(); };
  table.credentials = [](void*, lxnet_credentials*) { abort(); };
  table.capable = [](void*, int) -> int { abort(); };
  table.send_signal = [](void*, const lxnet_signal*) -> int { abort(); };
  table.install_fd = [](void*, lxnet_file*, uint32_t) -> int { abort(); };
  table.find_fd = [](void*, int, int*) -> lxnet_file* { abort(); };
  table.release_fd = [](void*, int) { abort(); };
  table.log = [](void*, int, const char*) { abort(); };
  table.panic = [](void*, const char*) { abort(); };
  return Hal::create(table, nullptr).take();
}

// `count` armed timers, each of which arms itself again when it fires.
class Armed {
 public:
  explicit Armed(size_t count) {
    timers.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      timers.push_back(std::make_unique<Timer>([](Entry& entry, Timer& timer) {
        Armed& armed = reinterpret_cast<Armed&>(entry);
        ++armed.fired;
        armed.wheel.arm(timer, armed.some_deadline());
      }));
      wheel.arm(*timers[i], some_deadline());
    }
  }
  ~Armed() {
    for (auto& timer : timers) wheel.cancel(*timer);
  }
  // As TCP's: from a delayed acknowledgement to a keepalive.
  Instant some_deadline() {
    const int64_t span = int64_t{1} << (26 + random() % 17);
    return now + Duration::nanos(40'000'000 + static_cast<int64_t>(random() % static_cast<uint64_t>(span)));
  }
  Timer& some_timer() { return *timers[random() % timers.size()]; }

  Hal hal = quiet_hal();
  Timers wheel{hal, nullptr};
  std::mt19937_64 random{1};
  Instant now = Instant::from_nanos(1'000'000'000);
  std::vector<std::unique_ptr<Timer>> timers;
  int64_t fired = 0;
};

void ArmAndCancel(benchmark::State& state) {
  auto armed = std::make_unique<Armed>(static_cast<size_t>(state.range(0)));
  Timer timer([](Entry&, Timer&) {});
  for (auto _ : state) {
    armed->wheel.arm(timer, armed->some_deadline());
    armed->wheel.cancel(timer);
  }
}
BENCHMARK(ArmAndCancel)->Arg(1000)->Arg(1'000'000);

// One connection's retransmission timer, moved back by each acknowledgement.
void MoveBackOne(benchmark::State& state) {
  auto armed = std::make_unique<Armed>(static_cast<size_t>(state.range(0)));
  Timer& timer = armed->some_timer();
  Instant deadline = armed->now + Duration::seconds(7200);
  for (auto _ : state) {
    deadline = deadline + Duration::micros(1);
    armed->wheel.arm(timer, deadline);
  }
}
BENCHMARK(MoveBackOne)->Arg(1000)->Arg(1'000'000);

// Any of them, to anywhere: each operation misses the cache for the timer and its neighbours.
void MoveAny(benchmark::State& state) {
  auto armed = std::make_unique<Armed>(static_cast<size_t>(state.range(0)));
  for (auto _ : state) armed->wheel.arm(armed->some_timer(), armed->some_deadline());
}
BENCHMARK(MoveAny)->Arg(1000)->Arg(1'000'000);

// A millisecond passes per iteration; items are timers fired and armed again.
void PassAMillisecond(benchmark::State& state) {
  auto armed = std::make_unique<Armed>(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    armed->now = armed->now + Duration::millis(1);
    armed->wheel.expire(reinterpret_cast<Entry&>(*armed), armed->now);
  }
  state.SetItemsProcessed(armed->fired);
}
BENCHMARK(PassAMillisecond)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace lxnet
