// Finds out that a signal waits for a thread whose call is blocked.
//
// A received notice waits killably: the kernel does not wake it for a signal, and tells nobody. That is what makes an answer safe
// (see Listener), and it leaves one way to see a signal: /proc/<tid>/status. Blocked threads are looked at when one is expected:
// a supervised program sends it, a timer that it set runs out, one of the threads ends (SIGCHLD), the core sends it (SIGIO). For
// what comes from elsewhere they are looked at every few milliseconds. Whoever has one is answered with Linux's own restart
// errno, which the kernel then handles as if its own call had been interrupted: handler, SA_RESTART, stop and continue included.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <unordered_set>
#include <utility>

#include "hosts/linux/call.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/process_status.hh"

namespace lxnet::host {

class SignalWatch {
 public:
  using OnLook = std::function<void(Task&, const ProcessStatus&)>;
  // `on_look` hears what was seen of a blocked thread.
  SignalWatch(FiberScheduler& fibers, OnLook on_look) : fibers_(fibers), on_look_(std::move(on_look)) {}

  // A signal is about to be sent: look soon.
  void expect_soon(int64_t now);
  // A timer of the process will send one at `first` and then every `interval`, if that is not zero; kNever: no longer. One per
  // process and timer.
  void expect_timer(pid_t process, int timer, int64_t first, int64_t interval);
  void forget_timers_of(pid_t process);
  int64_t next_deadline() const;
  // Event loop: interrupts the fibers whose thread has a signal.
  void scan(int64_t now);

 private:
  void expire_timers(int64_t now);
  void check(Fiber& fiber);
  bool is_for_another_thread(const Call& call, uint64_t shared) const;

  FiberScheduler& fibers_;
  OnLook on_look_;
  int64_t next_scan_ = 0;
  std::deque<int64_t> soon_;
  int64_t earliest_ = 0;  // when looking again is affordable
  struct Timer {
    int64_t next = 0, interval = 0;
  };
  std::map<std::pair<pid_t, int>, Timer> timers_;
  std::unordered_set<pid_t> interrupted_processes_;  // in this scan, one thread of each on suspicion
};

}  // namespace lxnet::host
