#include "hosts/threads/thread_hal.hh"

#include <sched.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace lxnet::threads {
namespace {

size_t thread_numbers = 0;  // atomic
thread_local const size_t own_number = __atomic_fetch_add(&thread_numbers, size_t{1}, __ATOMIC_RELAXED);
thread_local ParkingPlace own_place;
thread_local void* own_lock_slot = nullptr;

// Who wakes a thread often holds the very locks that it takes first. So a wake-up waits until the last of them is given back.
struct OwedWakes {
  static constexpr size_t kMost = 8;
  size_t held_locks = 0, count = 0;
  uint32_t* sleeping[kMost];

  void owe(uint32_t* place) {
    if (held_locks == 0 || count == kMost) return ParkingPlace::wake(place);
    if (place != nullptr) sleeping[count++] = place;
  }
  void pay() {
    while (count != 0) ParkingPlace::wake(sleeping[--count]);
  }
};
thread_local OwedWakes owed_wakes;

Hal adopt(const lxnet_hal& table) {
  const char* message = nullptr;
  auto hal = Hal::create(table, &message);
  if (hal.is_ok()) return hal.take();
  fprintf(stderr, "lxnet threads: %s\n", message);
  abort();
}

size_t copy(void* to, const void* from, uint64_t user_address, size_t size) {
  constexpr uint64_t kFirstGood = 4096;
  if (user_address < kFirstGood) return size;
  memcpy(to, from, size);
  return 0;
}

std::chrono::steady_clock::time_point time_point_of(int64_t nanos) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(nanos));
}

}  // namespace

ThreadHal::ThreadHal(std::function<void(lxnet_stack*)> ring)
    : ring_(std::move(ring)), table_(make_table(this)), hal_(adopt(table_)), service_([this] { serve(); }) {}

ThreadHal::~ThreadHal() { stop(); }

void ThreadHal::stop() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  if (service_.joinable()) service_.join();
}

void ThreadHal::add_bytes(size_t change) {
  if (own_number >= kOwnCounts) {
    __atomic_fetch_add(&bytes_[kOwnCounts].count, change, __ATOMIC_RELAXED);
    return;
  }
  size_t& count = bytes_[own_number].count;
  __atomic_store_n(&count, count + change, __ATOMIC_RELAXED);
}

size_t ThreadHal::live_bytes() const {
  size_t sum = 0;
  for (const Bytes& bytes : bytes_) sum += __atomic_load_n(&bytes.count, __ATOMIC_RELAXED);
  return sum;
}

void ThreadHal::post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void ThreadHal::serve() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (!posted_.empty()) {
      const auto work = std::move(posted_.front());
      posted_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    } else if (alarm_ <= monotonic_nanos()) {
      alarm_ = INT64_MAX;
      lxnet_stack* stack = alarm_stack_;
      lock.unlock();
      ring_(stack);
      lock.lock();
    } else if (alarm_ == INT64_MAX) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, time_point_of(alarm_));
    }
  }
}

lxnet_hal ThreadHal::make_table(ThreadHal* self) {
  lxnet_hal table{};
  table.abi_version = LXNET_HAL_VERSION;
  table.struct_size = sizeof table;
  table.ctx = self;
  fill_clock_and_memory(table);
  fill_tasks_and_locks(table);
  fill_user_and_files(table);
  return table;
}

void ThreadHal::fill_clock_and_memory(lxnet_hal& table) {
  table.monotonic_nanos = [](void*) { return threads::monotonic_nanos(); };
  table.wall_nanos = [](void*) {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  table.set_alarm = [](void* ctx, lxnet_stack* stack, int64_t when) {
    ThreadHal& self = of(ctx);
    {
      std::lock_guard lock(self.mutex_);
      self.alarm_ = when;
      self.alarm_stack_ = stack;
    }
    self.changed_.notify_one();
  };
  table.alloc = [](void* ctx, size_t size, size_t align) {
    void* block = nullptr;
    if (align <= alignof(std::max_align_t)) {
      block = malloc(size);
      if (block == nullptr) return block;
    } else if (posix_memalign(&block, std::max(align, sizeof(void*)), size) != 0)
      return static_cast<void*>(nullptr);
    of(ctx).count_bytes(size);
    return block;
  };
  table.free = [](void* ctx, void* block, size_t size) {
    of(ctx).uncount_bytes(size);
    ::free(block);
  };
  table.random_bytes = [](void*, void* buffer, size_t size) {
    // A page of the kernel's at a time.
    thread_local uint8_t store[256];
    thread_local size_t left = 0;
    for (uint8_t* out = static_cast<uint8_t*>(buffer); size != 0;) {
      if (left == 0) left = static_cast<size_t>(std::max<ssize_t>(getrandom(store, sizeof store, 0), 0));
      const size_t taken = std::min(size, left);
      memcpy(out, store + left - taken, taken);
      left -= taken;
      size -= taken;
      out += taken;
    }
  };
}

void ThreadHal::fill_tasks_and_locks(lxnet_hal& table) {
  table.current_task = [](void*) { return reinterpret_cast<lxnet_task*>(&own_place); };
  table.park = [](void*, int64_t deadline, int) { return own_place.park(deadline); };
  table.unpark = [](void*, lxnet_task* task) { owed_wakes.owe(reinterpret_cast<ParkingPlace*>(task)->set_token()); };
  table.lock = [](void*, lxnet_lock* lock) {
    threads::lock(*lock);
    ++owed_wakes.held_locks;
  };
  table.unlock = [](void*, lxnet_lock* lock) {
    threads::unlock(*lock);
    if (--owed_wakes.held_locks == 0 && owed_wakes.count != 0) owed_wakes.pay();
  };
  table.lock_slot = [](void*) { return &own_lock_slot; };
  table.processor = [](void*) { return static_cast<uint32_t>(sched_getcpu()); };
}

// One user, one process, no descriptors: what ThreadHost replaces.
void ThreadHal::fill_user_and_files(lxnet_hal& table) {
  table.copy_from_user = [](void*, void* to, uint64_t from, size_t size) {
    return copy(to, reinterpret_cast<const void*>(from), from, size);
  };
  table.copy_to_user = [](void*, uint64_t to, const void* from, size_t size) {
    return copy(reinterpret_cast<void*>(to), from, to, size);
  };
  table.credentials = [](void*, lxnet_credentials* out) {
    *out = {};
    static const pid_t own = getpid();
    out->pid = out->tgid = own;
  };
  table.capable = [](void*, int) { return 1; };
  table.send_signal = [](void*, const lxnet_signal*) { return 0; };
  table.install_fd = [](void*, lxnet_file*, uint32_t) { return -static_cast<int>(Errno::EMFILE); };
  table.find_fd = [](void*, int, int* error) {
    *error = static_cast<int>(Errno::EBADF);
    return static_cast<lxnet_file*>(nullptr);
  };
  table.release_fd = [](void*, int) {};
  table.log = [](void*, int, const char* message) { fprintf(stderr, "lxnet: %s\n", message); };
  table.panic = [](void*, const char* message) {
    fprintf(stderr, "lxnet panics: %s\n", message);
    abort();
  };
}

}  // namespace lxnet::threads
