// Open files of the program that are not lxnet's, as the core sees them: passed over AF_UNIX, polled, read and written.
//
// A file is one object however often it is asked for, because an epoll set finds its entries by file. Its counts are of two
// kinds. A holder keeps the file open: we have a copy of the descriptor. A watcher does not, as an entry of Linux's epoll does
// not: an epoll set of our own tells its events, which the kernel drops by itself when the program's last copy is closed.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "hal/hal.h"
#include "hosts/linux/call.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class ForeignTable;

class ForeignFile : public EventSource {
 public:
  using Key = std::pair<dev_t, ino_t>;

  ForeignFile(ForeignTable& table, Key key, OwnedFd fd);
  ~ForeignFile() override;

  void hold() { holders_++; }
  void release();
  void watch() { watchers_++; }
  void unwatch();
  int install(const Call& call, bool is_cloexec) const { return call.listener.add_fd(call.notice.id, fd_.get(), is_cloexec); }

  // Poll bits now; a waiter is told of changes until it is cancelled. -EPERM for what is always ready.
  int64_t poll(lxnet_poll_waiter* waiter);
  void cancel(lxnet_poll_waiter* waiter);
  void on_event(uint32_t events) override;

  // Wait, on the caller's fiber, as the file's own O_NONBLOCK says. Bytes or a negative errno.
  int64_t read(void* to, size_t size, int64_t* offset);
  int64_t write(const void* from, size_t size, int64_t* offset);

 private:
  friend class ForeignTable;
  bool is_same_file(int fd) const;
  int64_t start_watching();
  uint32_t poll_bits();
  void tell_waiters(uint32_t bits);
  int64_t wait_until_ready(uint32_t events);
  void drop_if_unused();

  ForeignTable& table_;
  Key key_;
  OwnedFd fd_;   // open while there are holders
  OwnedFd set_;  // the epoll set that watches the file; made when first polled
  int number_in_set_ = -1;
  bool is_on_proc_ = false;  // see start_watching()
  uint32_t told_once_ = 0;   // of a file in /proc: events that the kernel will not tell again
  uint32_t holders_ = 1, watchers_ = 0;
  std::vector<lxnet_poll_waiter*> waiters_;
  std::vector<Fiber*> blocked_;
};

class ForeignTable {
 public:
  ForeignTable(EventLoop& loop, FiberScheduler& fibers) : loop_(loop), fibers_(fibers) {}
  // With one hold for the caller; `fd` is a copy of ours.
  ForeignFile* find_or_create(OwnedFd fd);

 private:
  friend class ForeignFile;
  EventLoop& loop_;
  FiberScheduler& fibers_;
  std::multimap<ForeignFile::Key, ForeignFile*> files_;
};

}  // namespace lxnet::host
