// One epoll set and who wants to hear of what. The supervisor is one thread: everything happens in wait()'s caller.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual void on_event(uint32_t events) = 0;
};

class EventLoop {
 public:
  EventLoop();

  // 0, or a negative errno: EPERM says the file cannot be polled.
  int add(int fd, uint32_t events, EventSource* source);
  // Also forgets what is still undelivered for the source, which may be freed after this.
  void remove(int fd, EventSource* source);

  // Waits until something happens or `deadline` (monotonic) and tells the sources.
  void wait(int64_t deadline);

 private:
  OwnedFd epoll_;
  std::span<epoll_event> undelivered_;
};

}  // namespace lxnet::host
