// The supervisor's end of a seccomp filter: receives notices of calls and answers them.
//
// The filter is installed with WAIT_KILLABLE_RECV: once a notice is received, only death ends the program's wait, so an answer is
// never lost to a signal after the core has done its work. That a signal is waiting is found out by SignalWatch instead.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <functional>

#include "hosts/linux/event_loop.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class Listener : public EventSource {
 public:
  // `on_notice` is called from the event loop.
  Listener(EventLoop& loop, OwnedFd fd, std::function<void(Listener&, const seccomp_notif&)> on_notice);
  ~Listener() override;

  void on_event(uint32_t events) override;

  // Each is false when the call is gone, because its thread was killed.
  bool is_valid(uint64_t id) const;
  bool answer(uint64_t id, int64_t value) const;
  bool continue_natively(uint64_t id) const;

  // Puts a copy of `fd` at the lowest free number of the caller. The number or a negative errno.
  int add_fd(uint64_t id, int fd, bool is_cloexec) const;
  // Puts it at this number, closing what was there.
  int put_fd(uint64_t id, int fd, int number, bool is_cloexec) const;

  bool has_ended() const { return has_ended_; }

 private:
  int install(seccomp_notif_addfd request) const;

  EventLoop& loop_;
  OwnedFd fd_;
  std::function<void(Listener&, const seccomp_notif&)> on_notice_;
  bool has_ended_ = false;
};

}  // namespace lxnet::host
