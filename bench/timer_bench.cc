// Timers at a million armed: what an acknowledgement (re-arm), a new connection (arm) and a closed one (cancel) pay.
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/hosted_errno.hh"
#include "bench/support/bench.hh"
#include "hal/timer.hh"

namespace lxnet::bench {
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

Work arm_and_cancel(size_t count) {
  auto armed = std::make_shared<Armed>(count);
  auto timer = std::make_shared<Timer>([](Entry&, Timer&) {});
  return once([armed, timer] {
    armed->wheel.arm(*timer, armed->some_deadline());
    armed->wheel.cancel(*timer);
  });
}

// One connection's retransmission timer, moved back by each acknowledgement.
Work move_back_one(size_t count) {
  auto armed = std::make_shared<Armed>(count);
  return once([armed, &timer = armed->some_timer(), deadline = armed->now + Duration::seconds(7200)]() mutable {
    deadline = deadline + Duration::micros(1);
    armed->wheel.arm(timer, deadline);
  });
}

// Any of them, to anywhere: each operation misses the cache for the timer and its neighbours.
Work move_any(size_t count) {
  return once([armed = std::make_shared<Armed>(count)] { armed->wheel.arm(armed->some_timer(), armed->some_deadline()); });
}

// What one timer costs that fires and arms itself again, while a second passes in milliseconds.
Work fire(size_t count) {
  return measured([armed = std::make_shared<Armed>(count)] {
    const int64_t before = armed->fired;
    const double nanos = nanos_of([&] {
      for (int i = 0; i < 1000; ++i) {
        armed->now = armed->now + Duration::millis(1);
        armed->wheel.expire(reinterpret_cast<Entry&>(*armed), armed->now);
      }
    });
    return nanos / static_cast<double>(armed->fired - before);
  });
}

}  // namespace

void add_cases(Suite& suite) {
  for (const size_t count : {size_t{1000}, size_t{1'000'000}}) {
    const auto add = [&](const char* name, Work (*work)(size_t)) {
      suite.add({.name = std::string(name) + ", " + std::to_string(count) + " armed", .lxnet = [=] { return work(count); }});
    };
    add("arm and cancel", arm_and_cancel);
    add("move back one", move_back_one);
    add("move any", move_any);
    add("fire and arm again", fire);
  }
}

}  // namespace lxnet::bench
