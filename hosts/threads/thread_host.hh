// ThreadHost: a stack that any number of threads call at once, with one process's descriptors.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hal/lxnet.h"
#include "hosts/call_register.hh"
#include "hosts/threads/thread_hal.hh"

namespace lxnet {
class Stack;
}

namespace lxnet::threads {

// The descriptor table. find() is the hot path: it takes one of many locks.
class DescriptorTable {
 public:
  static constexpr size_t kSize = 1 << 18;

  DescriptorTable();
  int install(lxnet_file* file);
  lxnet_file* find(int fd);  // with a count, or null
  // The file, whose count the caller takes over, or null.
  lxnet_file* take(int fd);

 private:
  struct alignas(64) Stripe {
    SpinLock lock;
  };
  Stripe& stripe_of(int fd) { return stripes_[static_cast<size_t>(fd) % 64]; }

  std::unique_ptr<lxnet_file*[]> files_;
  Stripe stripes_[64];
  SpinLock free_mutex_;
  size_t lowest_free_ = 3;  // no number below is free
};

class ThreadHost {
 public:
  explicit ThreadHost(const std::string& name, const lxnet_config& config = {});
  ~ThreadHost();
  ThreadHost(const ThreadHost&) = delete;
  ThreadHost& operator=(const ThreadHost&) = delete;

  lxnet_stack* c_stack() const { return stack_; }
  Stack& stack() const { return *reinterpret_cast<Stack*>(stack_); }
  ThreadHal& thread_hal() { return hal_; }

  // By any thread. The result, or a negative errno. x86-64 numbers; close is answered here.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return system_call(number, registers);
  }
  int64_t system_call(long number, const uint64_t arguments[6]);

 private:
  ThreadHal hal_{[](lxnet_stack* stack) { lxnet_timer_expire(stack); }};
  DescriptorTable descriptors_;
  lxnet_stack* stack_ = nullptr;
};

}  // namespace lxnet::threads
