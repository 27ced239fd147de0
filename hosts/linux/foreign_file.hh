// Open files of the program that are not lxnet's, as the core sees them: passed over AF_UNIX, polled, read and written.
//
// We hold a copy of the descriptor, so the file lives as long as the core counts it.
#pragma once

#include <cstdint>
#include <vector>

#include "hal/hal.h"
#include "hosts/linux/call.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class ForeignFile : public EventSource {
 public:
  ForeignFile(EventLoop& loop, FiberScheduler& fibers, OwnedFd fd) : loop_(loop), fibers_(fibers), fd_(std::move(fd)) {}
  ~ForeignFile() override;

  void ref() { count_++; }
  void unref() {
    if (--count_ == 0) delete this;
  }
  int install(const Call& call, bool is_cloexec) const { return call.listener.add_fd(call.notice.id, fd_.get(), is_cloexec); }

  // Poll bits now; a waiter is told of changes until it is cancelled. -EPERM for what is always ready.
  int64_t poll(lxnet_poll_waiter* waiter);
  void cancel(lxnet_poll_waiter* waiter);
  void on_event(uint32_t events) override;

  // Wait, on the caller's fiber, as the file's own O_NONBLOCK says. Bytes or a negative errno.
  int64_t read(void* to, size_t size, int64_t* offset);
  int64_t write(const void* from, size_t size, int64_t* offset);

 private:
  int watch();
  int64_t wait_until_ready(short events);

  EventLoop& loop_;
  FiberScheduler& fibers_;
  OwnedFd fd_;
  uint32_t count_ = 1;
  bool is_watched_ = false;
  std::vector<lxnet_poll_waiter*> waiters_;
  std::vector<Fiber*> blocked_;
};

}  // namespace lxnet::host
