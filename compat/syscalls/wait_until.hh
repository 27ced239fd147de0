// wait_until(): the one place where a system call sleeps.
//
// It tries; if that would block it registers, tries again, and parks. A wake-up is a retry; a deadline is EAGAIN; a signal is
// ERESTARTSYS, or EINTR when the call has a timeout of its own (Linux's sock_intr_errno). What loopback still holds is delivered
// before anything is called blocking, so that a task never sleeps on its own packet.
#pragma once

#include "compat/syscalls/context.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

// A blocked task as a Waiter.
class TaskWaiter : public Waiter {
 public:
  TaskWaiter(const Hal& hal, PollEvents interest, Mode mode)
      : Waiter(&wake_task, interest, mode), hal_(hal), task_(hal.current_task()) {}

 private:
  static bool wake_task(Waiter& waiter, PollEvents) {
    auto& self = static_cast<TaskWaiter&>(waiter);
    // An exclusive wake-up is taken once: the second goes to the next in the queue while this task has not run yet.
    const bool was_woken = __atomic_exchange_n(&self.is_woken_, 1u, __ATOMIC_ACQ_REL) != 0;
    self.hal_.unpark(self.task_);
    return !was_woken;
  }

  friend class RegisteredWaiter;
  const Hal& hal_;
  lxnet_task* task_;
  uint32_t is_woken_ = 0;  // atomic, and so four bytes
};

// On the queue while it lives.
class RegisteredWaiter {
 public:
  RegisteredWaiter(const Hal& hal, WaitQueue& queue, PollEvents interest, Waiter::Mode mode)
      : queue_(queue), waiter_(hal, interest, mode) {
    queue_.add(waiter_);
  }
  ~RegisteredWaiter() { queue_.remove(waiter_); }
  RegisteredWaiter(const RegisteredWaiter&) = delete;
  RegisteredWaiter& operator=(const RegisteredWaiter&) = delete;

  void rearm() { __atomic_store_n(&waiter_.is_woken_, 0u, __ATOMIC_SEQ_CST); }

 private:
  WaitQueue& queue_;
  TaskWaiter waiter_;
};

struct WaitPolicy {
  WaitQueue& queue;
  PollEvents interest;
  Duration timeout = Duration::max();  // zero: do not block
  Waiter::Mode mode = Waiter::Mode::Shared;
};

// `remaining`, when given, is where the time that was left is stored: a call that waits several times has one timeout for all.
template <typename TryOnce>
auto wait_until(SyscallContext& context, const WaitPolicy& policy, TryOnce&& try_once, Duration* remaining = nullptr)
    -> decltype(try_once()) {
  Entry& entry = context.entry();
  {
    auto result = try_once();
    if (!result.is_error(Errno::EAGAIN)) return result;
  }
  if (entry.has_work()) {
    entry.flush();
    auto result = try_once();
    if (!result.is_error(Errno::EAGAIN)) return result;
  }
  if (policy.timeout <= Duration()) return Errno::EAGAIN;

  const Instant deadline = policy.timeout == Duration::max() ? Instant::never() : entry.now() + policy.timeout;
  RegisteredWaiter waiter(context.hal(), policy.queue, policy.interest, policy.mode);
  for (;;) {
    waiter.rearm();
    auto result = try_once();
    entry.flush();
    if (remaining != nullptr && !deadline.is_never()) *remaining = deadline - entry.now();
    if (!result.is_error(Errno::EAGAIN)) return result;
    if (deadline <= entry.now()) return Errno::EAGAIN;
    const ParkResult parked = context.hal().park(deadline, Interruptible::Yes);
    entry.refresh_clock();
    if (parked == ParkResult::Interrupted) {
      context.note_interruption();
      auto last = try_once();
      if (!last.is_error(Errno::EAGAIN)) return last;
      return deadline.is_never() ? Errno::ERESTARTSYS : Errno::EINTR;
    }
  }
}

}  // namespace lxnet
