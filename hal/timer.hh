// Timer and Timers: every deadline of a stack on one hierarchical wheel, and one alarm of the host's for all of them.
//
// Arm, re-arm and cancel are O(1) for millions of timers. Deadlines are exact: a timer never fires early, and the alarm is set
// for the very nanosecond. The alarm moves only when the earliest deadline comes nearer; when it goes away the host's wake finds
// nothing to do, which is cheaper than moving the alarm on every acknowledgement. Which of the timers that are due together fires
// first is not promised.
//
// Callbacks run with no lock held, from lxnet_timer_expire() or any other entry that finds the time has come. So another
// processor may cancel or re-arm a timer that has been taken to fire and whose callback does not have its owner's lock yet. Three
// rules make that safe:
//   1. An object that can die while its timer is armed gives the timer a TimerOwner: the wheel takes a count of the object before
//   it lets go
//      of its lock, and fires nothing for an object that is already dying. The object's destructor cancels its timers.
//   2. arm() and cancel() are called under the owner's lock, and the callback takes that lock first and then asks timer.claim():
//   false
//      means that the timer was cancelled or armed anew since it was taken, and the callback has nothing to do.
//   3. So once cancel() has returned under the owner's lock the callback will not act; it may still run as far as its claim().
#pragma once

#include "base/list.hh"
#include "base/ref.hh"
#include "base/time.hh"
#include "hal/mutex.hh"

struct lxnet_stack;

namespace lxnet {

class Entry;  // stack/entry.hh: passed through to the callback, never opened here
class Timer;

// How the wheel keeps a timer's object alive while its callback runs.
struct TimerOwner {
  bool (*hold)(Timer& timer);  // false: the object is dying. Called with the wheel's lock held
  void (*release)(Timer& timer);
};

class Timer {
 public:
  using Callback = void (*)(Entry& entry, Timer& timer);

  explicit Timer(Callback callback, const TimerOwner* owner = nullptr) : callback_(callback), owner_(owner) {}

  bool is_armed() const { return __atomic_load_n(&slot_, __ATOMIC_RELAXED) != kUnarmed; }
  // Only while armed, under the owner's lock.
  Instant deadline() const { return deadline_; }
  // By the callback, once, under the owner's lock: whether what it was fired for still stands.
  bool claim() { return __atomic_exchange_n(&is_firing_, 0u, __ATOMIC_ACQ_REL) != 0; }

 private:
  friend class Timers;
  static constexpr uint16_t kUnarmed = UINT16_MAX;

  ListLink wheel_link_;
  Callback callback_;
  const TimerOwner* owner_;
  Instant deadline_ = Instant::never();
  uint16_t slot_ = kUnarmed;  // atomic: written under the wheel's lock, read by is_armed()
  uint32_t is_firing_ = 0;    // atomic, and so four bytes: taken to fire, and not claimed yet
};

class Timers {
 public:
  // Every call about an alarm names `stack`.
  Timers(const Hal& hal, lxnet_stack* stack) : stack_(stack), hal_(hal), mutex_(hal, LockRank::Timers) {}

  // Arms, or moves to another deadline. One that has passed fires as soon as the host comes by; never() cancels.
  void arm(Timer& timer, Instant deadline);
  // Whether there was something to cancel: armed, or taken to fire and not claimed.
  bool cancel(Timer& timer);
  bool is_armed(const Timer& timer) const { return timer.is_armed(); }
  // Runs the callbacks of all timers due at `now` and sets the alarm for the next. What they arm for `now` waits for the next
  // call.
  void expire(Entry& entry, Instant now);
  // The earliest deadline of all, exactly; never() without any.
  Instant next_deadline();

 private:
  // 2^16 ns, some 65 µs, is the finest slot; eight levels of 64 slots reach past the largest Instant.
  static constexpr int kTickShift = 16;
  static constexpr int kLevelBits = 6;
  static constexpr size_t kLevels = 8;
  static constexpr size_t kSlots = size_t{1} << kLevelBits;
  static constexpr uint16_t kDue = kLevels * kSlots;  // slot_ of a timer on due_

  using TimerList = List<Timer, &Timer::wheel_link_>;
  struct Slot {
    TimerList timers;
    Instant bound = Instant::never();  // no timer here is due before; exact until one leaves or is moved back
  };
  struct Position {
    size_t level, index;
    uint64_t start;  // in ticks
  };

  void file_locked(Timer& timer) REQUIRES(mutex_);
  void unlink_locked(Timer& timer) REQUIRES(mutex_);
  void take_slot_locked(const Position& position, TimerList& timers) REQUIRES(mutex_);
  bool find_first_locked(Position& first) const REQUIRES(mutex_);
  void collect_due_locked(Instant now) REQUIRES(mutex_);
  Timer* take_due() EXCLUDES(mutex_);
  void lower_alarm_locked(Instant when) REQUIRES(mutex_);
  Slot& slot_at(size_t slot) REQUIRES(mutex_) { return slots_[slot / kSlots][slot % kSlots]; }
  static uint64_t tick_of(Instant when) { return when.in_nanos() < 0 ? 0 : static_cast<uint64_t>(when.in_nanos()) >> kTickShift; }

  lxnet_stack* const stack_;
  const Hal& hal_;
  Mutex mutex_;
  uint64_t position_ GUARDED_BY(mutex_) = 0;  // in ticks: no slot that begins before it is occupied
  uint64_t occupied_[kLevels] GUARDED_BY(mutex_) = {};
  Slot slots_[kLevels][kSlots] GUARDED_BY(mutex_);
  TimerList due_ GUARDED_BY(mutex_);
  Instant alarm_ GUARDED_BY(mutex_) = Instant::never();  // where the host's alarm stands
  uint32_t expiring_ GUARDED_BY(mutex_) = 0;             // expire()s under way: the last one sets the alarm
};

// The object a timer is a member of.
template <typename T, Timer T::*Member>
T& owner_of(Timer& timer) {
  alignas(T) static constexpr char kProbe[sizeof(T)] = {};  // measured, never read
  const T* probe = reinterpret_cast<const T*>(kProbe);
  const auto offset = reinterpret_cast<const char*>(&(probe->*Member)) - reinterpret_cast<const char*>(probe);
  return *reinterpret_cast<T*>(reinterpret_cast<char*>(&timer) - offset);
}

// For a timer that is a member of a counted object:
//     Timer retransmit_{&on_retransmit, &kTimerOwner<TcpSocket, &TcpSocket::retransmit_>};
template <typename T, Timer T::*Member>
inline constexpr TimerOwner kTimerOwner = {
    .hold = [](Timer& timer) { return owner_of<T, Member>(timer).ref_unless_zero(); },
    .release = [](Timer& timer) { static_cast<void>(Ref<T>::adopt(&owner_of<T, Member>(timer))); },
};

}  // namespace lxnet
