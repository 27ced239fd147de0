#include "tests/support/test_hal.hh"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace lxnet::testing {
namespace {

Hal adopt(const lxnet_hal& table) {
  const char* message = nullptr;
  auto hal = Hal::create(table, &message);
  if (!hal.is_ok()) {
    fprintf(stderr, "TestHal: %s\n", message);
    abort();
  }
  return hal.take();
}

}  // namespace

TestHal::TestHal(uint64_t seed) : random_(seed), table_(make_table(this)), hal_(adopt(table_)) {
  credentials.pid = credentials.tgid = 100;
  credentials.uid = credentials.euid = credentials.suid = credentials.gid = credentials.egid = credentials.sgid = 1000;
}

TestHal::~TestHal() {
  for (const auto& [block, info] : blocks_) ADD_FAILURE() << "leaked " << info.size << " bytes at " << block;
}

lxnet_hal TestHal::make_table(TestHal* self) {
  lxnet_hal table{};
  table.abi_version = LXNET_HAL_VERSION;
  table.struct_size = sizeof table;
  table.ctx = self;
  fill_clock_and_memory(table);
  fill_task(table);
  fill_user_and_files(table);
  return table;
}

void TestHal::fill_clock_and_memory(lxnet_hal& table) {
  table.monotonic_nanos = [](void* ctx) { return of(ctx).now_.in_nanos(); };
  table.wall_nanos = [](void* ctx) { return of(ctx).now_.in_nanos() + of(ctx).wall_offset; };
  table.set_alarm = [](void* ctx, lxnet_stack* stack, int64_t when) {
    of(ctx).alarm_ = Instant::from_nanos(when);
    of(ctx).alarm_stack_ = stack;
    ++of(ctx).alarm_count_;
  };
  table.alloc = [](void* ctx, size_t size, size_t align) { return of(ctx).alloc(size, align); };
  table.free = [](void* ctx, void* block, size_t size) { of(ctx).free(block, size); };
  table.random_bytes = [](void* ctx, void* buffer, size_t size) {
    uint8_t* out = static_cast<uint8_t*>(buffer);
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(of(ctx).random_());
  };
  table.lock_slot = [](void* ctx) { return &of(ctx).lock_slot_; };
}

void TestHal::fill_task(lxnet_hal& table) {
  table.current_task = [](void* ctx) { return reinterpret_cast<lxnet_task*>(ctx); };
  table.park = [](void* ctx, int64_t deadline, int interruptible) -> int {
    TestHal& self = of(ctx);
    if (std::exchange(self.is_unparked_, false)) return LXNET_PARK_WOKEN;
    if (self.on_park) return self.on_park(deadline, interruptible != 0);
    if (deadline == INT64_MAX) {
      ADD_FAILURE() << "the task parked for ever, and nothing will wake it";
      return LXNET_PARK_INTERRUPTED;
    }
    if (self.now_.in_nanos() < deadline) self.now_ = Instant::from_nanos(deadline);
    return LXNET_PARK_TIMED_OUT;
  };
  table.unpark = [](void* ctx, lxnet_task*) {
    of(ctx).is_unparked_ = true;
    ++of(ctx).unpark_count;
  };
  table.credentials = [](void* ctx, lxnet_credentials* out) { *out = of(ctx).credentials; };
  table.capable = [](void* ctx, int capability) { return static_cast<int>(of(ctx).capabilities >> capability & 1); };
  table.send_signal = [](void* ctx, const lxnet_signal* signal) {
    of(ctx).signals.push_back(*signal);
    return 0;
  };
  table.log = [](void* ctx, int, const char* message) { of(ctx).log.emplace_back(message); };
  table.panic = [](void*, const char* message) {
    fprintf(stderr, "panic: %s\n", message);
    abort();
  };
}

void TestHal::fill_user_and_files(lxnet_hal& table) {
  table.copy_from_user = [](void* ctx, void* to, uint64_t from, size_t size) {
    return of(ctx).copy(to, reinterpret_cast<const void*>(from), from, size);
  };
  table.copy_to_user = [](void* ctx, uint64_t to, const void* from, size_t size) {
    return of(ctx).copy(reinterpret_cast<void*>(to), from, to, size);
  };
  table.install_fd = [](void* ctx, lxnet_file* file, uint32_t) {
    int fd = 3;
    while (of(ctx).files.count(fd) != 0) ++fd;
    if (fd >= of(ctx).next_fd_limit) return -static_cast<int>(Errno::EMFILE);
    of(ctx).files[fd] = file;
    return fd;
  };
  // Counting is the file layer's: a test that uses descriptors through the core replaces these two.
  table.find_fd = [](void* ctx, int fd, int* error) -> lxnet_file* {
    auto found = of(ctx).files.find(fd);
    if (found != of(ctx).files.end()) return found->second;
    *error = static_cast<int>(Errno::EBADF);
    return nullptr;
  };
  table.release_fd = [](void* ctx, int fd) { of(ctx).files.erase(fd); };
}

size_t TestHal::copy(void* to, const void* from, uint64_t user_address, size_t size) {
  size_t good = size;
  if (user_address < bad_to && size > 0) {
    if (user_address >= bad_from) {
      good = 0;
    } else if (bad_from - user_address < size) {
      good = bad_from - user_address;
    }
  } else if (user_address < bad_from && bad_from - user_address < size) {
    good = bad_from - user_address;
  }
  if (good != 0) memcpy(to, from, good);
  return size - good;
}

void TestHal::fail_allocation(size_t n, Fail kind) {
  countdown_ = static_cast<int64_t>(n);
  fail_kind_ = kind;
  has_failed_ = false;
}

bool TestHal::must_fail() {
  if (countdown_ < 0) return false;
  if (countdown_ > 0) {
    --countdown_;
    return false;
  }
  if (fail_kind_ == Fail::Once) countdown_ = -1;
  has_failed_ = true;
  return true;
}

void* TestHal::alloc(size_t size, size_t align) {
  if (size == 0) ADD_FAILURE() << "an allocation of nothing";
  if (align == 0 || (align & (align - 1)) != 0 || align > 4096) ADD_FAILURE() << "alignment " << align;
  if (must_fail()) return nullptr;
  void* block = ::operator new(size, std::align_val_t(align));
  memset(block, 0xa5, size);
  blocks_[block] = {size, align};
  live_bytes_ += size;
  ++allocation_count_;
  return block;
}

void TestHal::free(void* block, size_t size) {
  auto found = blocks_.find(block);
  if (found == blocks_.end()) {
    ADD_FAILURE() << "freed what was not allocated: " << block;
    return;
  }
  const Block info = found->second;
  if (info.size != size) ADD_FAILURE() << "allocated with size " << info.size << ", freed with " << size;
  blocks_.erase(found);
  live_bytes_ -= info.size;
  memset(block, 0x5a, info.size);
  ::operator delete(block, std::align_val_t(info.align));
}

void for_each_failing_allocation(TestHal& hal, const std::function<void()>& attempt) {
  for (size_t n = 0;; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n) + " fails");
    hal.fail_allocation(n);
    attempt();
    hal.allow_all_allocations();
    if (!hal.has_failed() || ::testing::Test::HasFailure()) return;
    if (n > 100'000) {
      ADD_FAILURE() << "no end of allocations";
      return;
    }
  }
}

}  // namespace lxnet::testing
