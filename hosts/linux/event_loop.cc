#include "hosts/linux/event_loop.hh"

#include <errno.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>

#include "hosts/linux/clock.hh"

namespace lxnet::host {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

int EventLoop::add(int fd, uint32_t events, EventSource* source) {
  epoll_event event = {.events = events, .data = {.ptr = source}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void EventLoop::remove(int fd, EventSource* source) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (epoll_event& event : undelivered_) {
    if (event.data.ptr == source) event.data.ptr = nullptr;
  }
}

void EventLoop::wait(int64_t deadline) {
  std::array<epoll_event, 64> events;
  timespec timeout;
  timespec* limit = nullptr;
  if (deadline != kNever) {
    int64_t left = deadline == 0 ? 0 : std::max<int64_t>(0, deadline - now_nanos());
    timeout = {.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
    limit = &timeout;
  }
  long count = ::syscall(SYS_epoll_pwait2, epoll_.get(), events.data(), events.size(), limit, nullptr, 0);
  if (count <= 0) return;
  undelivered_ = std::span(events.data(), static_cast<size_t>(count));
  while (!undelivered_.empty()) {
    epoll_event event = undelivered_.front();
    undelivered_ = undelivered_.subspan(1);
    if (event.data.ptr != nullptr) static_cast<EventSource*>(event.data.ptr)->on_event(event.events);
  }
}

}  // namespace lxnet::host
