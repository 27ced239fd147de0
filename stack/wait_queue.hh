// WaitQueue: who wants to hear that something may have changed. Blocked tasks, poll, epoll entries and SIGIO join it alike.
//
// A Waiter has a mask of the events it cares for; wake() with a key calls only those whose mask meets it, so that data arriving
// does not wake who waits for space; without one (kPollKeyless) it calls all. Ordinary waiters are all called; of the exclusive
// ones (accept, EPOLLEXCLUSIVE), which queue behind them, as many as say they took the wake-up: in the order of coming, or the
// newest first as Linux's epoll_wait does. A callback runs under the queue's lock (rank WaitQueue): it unparks a task or takes
// locks of a higher rank, and nothing else.
#pragma once

#include "base/ring.hh"
#include "hal/mutex.hh"
#include "stack/poll_events.hh"

namespace lxnet {

class WaitQueue;

class Waiter {
 public:
  // Returns whether it took the wake-up; only an exclusive waiter's answer matters.
  using Callback = bool (*)(Waiter& waiter, PollEvents events);
  // A queue has exclusive waiters of one kind.
  enum class Mode : uint8_t { Shared, Exclusive, ExclusiveNewestFirst };

  Waiter(Callback callback, PollEvents interest, Mode mode) : callback_(callback), interest_(interest), mode_(mode) {}
  bool is_queued() const { return link_.is_linked(); }
  // Only while it is on no queue.
  void set_interest(PollEvents interest) { interest_ = interest; }

 private:
  friend class WaitQueue;

  ListLink link_;
  Callback callback_;
  PollEvents interest_;
  Mode mode_;
};

class WaitQueue {
 public:
  explicit WaitQueue(const Hal& hal, LockRank rank = LockRank::WaitQueue) : mutex_(hal, rank) {}

  void set_rank(LockRank rank) { mutex_.set_rank(rank); }

  void add(Waiter& waiter);
  // After it returns the callback is not running and will not run.
  void remove(Waiter& waiter);
  // `events`: what may have become true. `exclusive_limit`: how many exclusive waiters to wake.
  void wake(PollEvents events, unsigned exclusive_limit = 1) {
    if (has_waiters()) wake_waiters(events, exclusive_limit);
  }
  void wake_all(PollEvents events) { wake(events, ~0u); }
  // The same, where the caller's change was one sequentially consistent exchange of what waiters look at in like order.
  void wake_after_exchange(PollEvents events) {
    if (__atomic_load_n(&count_, __ATOMIC_SEQ_CST) != 0) wake_waiters(events, 1);
  }
  // A hint without the lock: false means nobody was waiting. Ordered after the caller's own change by a full fence, which a host
  // of one processor does without.
  bool has_waiters() const {
    if (mutex_.hal().has_locks()) __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&count_, __ATOMIC_RELAXED) != 0;
  }

 private:
  void wake_waiters(PollEvents events, unsigned exclusive_limit);

  Mutex mutex_;
  Ring<Waiter, &Waiter::link_> waiters_ GUARDED_BY(mutex_);  // shared ones first
  uint32_t count_ = 0;                                       // written under mutex_, read without
};

}  // namespace lxnet
