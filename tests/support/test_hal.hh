// TestHal: a host for unit tests. One thread, a clock that moves only when told, memory that is counted and can be made to fail,
// and random bytes from a seed.
//
// Rules kept: every block is freed with the size it was asked for, and none is left when the TestHal goes: either fails the test.
// Nothing sleeps: park() moves the clock to the deadline, or hands over to on_park.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hosted_errno.hh"
#include "hal/hal.hh"

namespace lxnet::testing {

class TestHal {
 public:
  explicit TestHal(uint64_t seed = 1);
  ~TestHal();
  TestHal(const TestHal&) = delete;
  TestHal& operator=(const TestHal&) = delete;

  // The table to give to lxnet_stack_create(); change members before that to take functions away.
  lxnet_hal& table() { return table_; }
  // The same as the core's classes take it.
  const Hal& hal() const { return hal_; }
  operator const Hal&() const { return hal_; }

  // ---- time
  Instant now() const { return now_; }
  void advance(Duration duration) { now_ = now_ + duration; }
  void set_now(Instant now) { now_ = now; }
  int64_t wall_offset = 1'700'000'000'000'000'000;
  // The alarm as it was set last; never() when disarmed.
  Instant alarm() const { return alarm_; }
  lxnet_stack* alarm_stack() const { return alarm_stack_; }
  size_t alarm_count() const { return alarm_count_; }

  // ---- memory
  // The n-th allocation from now (0 is the next) fails, and with All every one after it. Ends with allow_all().
  enum class Fail { Once, All };
  void fail_allocation(size_t n, Fail kind = Fail::Once);
  void allow_all_allocations() { countdown_ = -1; }
  // Whether the chosen allocation has been reached: a fail-the-nth loop ends when it has not.
  bool has_failed() const { return has_failed_; }
  size_t live_blocks() const { return blocks_.size(); }
  size_t live_bytes() const { return live_bytes_; }
  size_t allocation_count() const { return allocation_count_; }

  // ---- the calling task
  // What park() does; the default moves the clock to the deadline and says TIMED_OUT, and fails the test when there is none.
  std::function<int(int64_t deadline, bool interruptible)> on_park;
  size_t unpark_count = 0;
  lxnet_credentials credentials{};
  uint64_t capabilities = ~uint64_t{0};  // a bit for each LXNET_CAP_*
  std::vector<lxnet_signal> signals;     // what was sent

  // ---- user memory is this process's; addresses in [bad_from, bad_to) fault
  uint64_t bad_from = 0, bad_to = 4096;

  // ---- descriptors; files are referred to without looking inside
  std::map<int, lxnet_file*> files;
  int next_fd_limit = 1024;

  std::vector<std::string> log;

 private:
  static TestHal& of(void* ctx) { return *static_cast<TestHal*>(ctx); }
  static lxnet_hal make_table(TestHal* self);
  static void fill_clock_and_memory(lxnet_hal& table);
  static void fill_task(lxnet_hal& table);
  static void fill_user_and_files(lxnet_hal& table);
  void* alloc(size_t size, size_t align);
  void free(void* block, size_t size);
  bool must_fail();
  size_t copy(void* to, const void* from, uint64_t user_address, size_t size);

  struct Block {
    size_t size, align;
  };
  Instant now_ = Instant::from_nanos(1'000'000'000);
  Instant alarm_ = Instant::never();
  lxnet_stack* alarm_stack_ = nullptr;
  size_t alarm_count_ = 0;
  std::unordered_map<void*, Block> blocks_;
  size_t live_bytes_ = 0;
  size_t allocation_count_ = 0;
  int64_t countdown_ = -1;
  Fail fail_kind_ = Fail::Once;
  bool has_failed_ = false;
  bool is_unparked_ = false;
  void* lock_slot_ = nullptr;
  std::mt19937_64 random_;
  lxnet_hal table_;
  Hal hal_;
};

// Runs `attempt` with its first allocation failing, then its second, and so on until one run needs no more of them. `attempt`
// checks that whatever failed left things as they were.
void for_each_failing_allocation(TestHal& hal, const std::function<void()>& attempt);

}  // namespace lxnet::testing
