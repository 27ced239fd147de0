// Timer and Timers: every deadline of a stack on one hierarchical wheel, and one alarm of the host's for all of them.
//
// Arm, re-arm and cancel are O(1) for millions of timers. A timer never fires early; it fires at most one tick (kTick) late by
// the wheel's own doing. Callbacks run with no lock held, from lxnet_timer_expire() or any other entry that finds the time has
// come.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "hal/mutex.hh"

struct lxnet_stack;

namespace lxnet {

class Entry;  // stack/entry.hh: passed through to the callback, never opened here
class Timers;

class Timer {
 public:
  using Callback = void (*)(Entry& entry, Timer& timer);

  explicit Timer(Callback callback) : callback_(callback) {}

 private:
  friend class Timers;

  ListLink wheel_link_;
  Callback callback_;
  Instant deadline_ = Instant::never();
  Timers* timers_ = nullptr;  // while armed
};

class Timers {
 public:
  Timers(const Hal& hal, lxnet_stack* stack);

  // any lock below rank Timers. Arms, or moves an armed timer.
  void arm(Timer& timer, Instant deadline);
  // Returns whether it was armed. A callback that already runs elsewhere is not waited for: owners hold a count of themselves
  // while armed.
  bool cancel(Timer& timer);
  bool is_armed(const Timer& timer) const;
  Instant deadline(const Timer& timer) const;
  // no lock. Runs the callbacks of everything due.
  void expire(Entry& entry, Instant now);
  // Exact: when the earliest timer is due.
  Instant next_deadline() const;
};

}  // namespace lxnet
