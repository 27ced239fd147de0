// ThreadHal: the HAL on POSIX threads: real locks, real time, any number of processors at once.
//
// A service thread stands for the interrupts: it rings the alarm and runs what devices post. Descriptors, and everything else a
// program has, are ThreadHost's; this much is enough for tests and benchmarks of the layers below.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/hosted_errno.hh"
#include "hal/hal.hh"
#include "hosts/threads/futex.hh"

namespace lxnet::threads {

class ThreadHal {
 public:
  // `ring` is called when the alarm's time has come.
  explicit ThreadHal(std::function<void(lxnet_stack*)> ring = [](lxnet_stack*) {});
  ~ThreadHal();
  ThreadHal(const ThreadHal&) = delete;
  ThreadHal& operator=(const ThreadHal&) = delete;

  lxnet_hal& table() { return table_; }
  const Hal& hal() const { return hal_; }

  // On the service thread, outside of any entry.
  void post(std::function<void()> work);
  // Ends the service thread; nothing rings any more.
  void stop();

  size_t live_bytes() const;

 protected:
  void count_bytes(size_t size) { add_bytes(size); }
  void uncount_bytes(size_t size) { add_bytes(0 - size); }

 private:
  static ThreadHal& of(void* ctx) { return *static_cast<ThreadHal*>(ctx); }
  static lxnet_hal make_table(ThreadHal* self);
  static void fill_clock_and_memory(lxnet_hal& table);
  static void fill_tasks_and_locks(lxnet_hal& table);
  static void fill_user_and_files(lxnet_hal& table);
  void serve();
  void add_bytes(size_t change);

  // The first threads of the process each have a count of their own, those that come later share one.
  static constexpr size_t kOwnCounts = 31;
  struct alignas(64) Bytes {
    size_t count = 0;  // atomic; of one thread it may be below zero
  };
  Bytes bytes_[kOwnCounts + 1];

  std::function<void(lxnet_stack*)> ring_;
  lxnet_hal table_;
  Hal hal_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
  int64_t alarm_ = INT64_MAX;
  lxnet_stack* alarm_stack_ = nullptr;
  bool is_stopping_ = false;
  std::thread service_;
};

}  // namespace lxnet::threads
