// The wheel. A timer lies on the level of the highest group of six bits in which its deadline and position_ differ, in ticks; so
// the occupied slots in order of level and index are in order of time, and a slot is spread over the levels below when time
// reaches it.
#include "hal/timer.hh"

#include <algorithm>
#include <bit>

namespace lxnet {

void Timers::arm(Timer& timer, Instant deadline) {
  if (deadline.is_never()) {
    cancel(timer);
    return;
  }
  MutexLock lock(mutex_);
  __atomic_store_n(&timer.is_firing_, 0u, __ATOMIC_RELAXED);
  // A deadline that moves back, as every acknowledgement makes it, is looked at again only when the old slot's time has come.
  if (timer.slot_ < kDue && deadline >= timer.deadline_) {
    timer.deadline_ = deadline;
    return;
  }
  if (timer.slot_ != Timer::kUnarmed) unlink_locked(timer);
  timer.deadline_ = deadline;
  file_locked(timer);
  lower_alarm_locked(deadline);
}

bool Timers::cancel(Timer& timer) {
  // Its owner alone arms it, and take_due() says that it fires before it says that it is not armed: so nothing is missed here.
  const bool is_unarmed = __atomic_load_n(&timer.slot_, __ATOMIC_ACQUIRE) == Timer::kUnarmed;
  if (is_unarmed && __atomic_load_n(&timer.is_firing_, __ATOMIC_ACQUIRE) == 0) return false;
  MutexLock lock(mutex_);
  const bool was_firing = __atomic_exchange_n(&timer.is_firing_, 0u, __ATOMIC_ACQ_REL) != 0;
  if (timer.slot_ == Timer::kUnarmed) return was_firing;
  unlink_locked(timer);
  return true;
}

void Timers::expire(Entry& entry, Instant now) {
  {
    MutexLock lock(mutex_);
    if (now >= alarm_) alarm_ = Instant::never();
    ++expiring_;
    collect_due_locked(now);
  }
  while (Timer* timer = take_due()) {
    // Without an owner that is held, the callback may free the timer.
    const TimerOwner* owner = timer->owner_;
    timer->callback_(entry, *timer);
    if (owner != nullptr) owner->release(*timer);
  }
  MutexLock lock(mutex_);
  --expiring_;
  Position first;
  if (!due_.is_empty()) {
    lower_alarm_locked(due_.front()->deadline_);
  } else if (find_first_locked(first)) {
    lower_alarm_locked(slots_[first.level][first.index].bound);
  }
}

Instant Timers::next_deadline() {
  MutexLock lock(mutex_);
  Instant earliest = Instant::never();
  for (Timer& timer : due_) earliest = std::min(earliest, timer.deadline_);
  Position first;
  // Filing a slot's timers again sends away those whose deadline moved back; the slot of the earliest is the first that stays.
  while (earliest.is_never() && find_first_locked(first)) {
    TimerList timers;
    take_slot_locked(first, timers);
    while (Timer* timer = timers.take_front()) {
      file_locked(*timer);
      if (timer->slot_ == first.level * kSlots + first.index) earliest = std::min(earliest, timer->deadline_);
    }
  }
  return earliest;
}

void Timers::collect_due_locked(Instant now) {
  const uint64_t target = tick_of(now);
  Position first;
  while (find_first_locked(first) && first.start <= target) {
    TimerList timers;
    take_slot_locked(first, timers);
    position_ = std::max(position_, first.start);
    while (Timer* timer = timers.take_front()) {
      if (timer->deadline_ > now) {
        file_locked(*timer);
      } else {
        __atomic_store_n(&timer->slot_, kDue, __ATOMIC_RELAXED);
        due_.push_back(*timer);
      }
    }
    // The slot that `now` lies in keeps those that are due later in it, and none after it has begun.
    if (first.level == 0 && first.start == target) break;
  }
  position_ = std::max(position_, target);
}

// Null when none is due any more. A timer whose owner is dying is only taken off; the owner's destructor waits for the lock, or
// has seen it unarmed after which nothing here touches it.
Timer* Timers::take_due() {
  MutexLock lock(mutex_);
  while (Timer* timer = due_.take_front()) {
    const bool is_held = timer->owner_ == nullptr || timer->owner_->hold(*timer);
    if (is_held) __atomic_store_n(&timer->is_firing_, 1u, __ATOMIC_RELAXED);
    __atomic_store_n(&timer->slot_, Timer::kUnarmed, __ATOMIC_RELEASE);
    if (is_held) return timer;
  }
  return nullptr;
}

void Timers::file_locked(Timer& timer) {
  const uint64_t tick = std::max(tick_of(timer.deadline_), position_);
  const uint64_t difference = tick ^ position_;
  const size_t level = difference == 0 ? 0 : static_cast<size_t>(std::bit_width(difference) - 1) / kLevelBits;
  const size_t index = (tick >> (level * kLevelBits)) % kSlots;
  Slot& slot = slots_[level][index];
  slot.bound = slot.timers.is_empty() ? timer.deadline_ : std::min(slot.bound, timer.deadline_);
  slot.timers.push_back(timer);
  occupied_[level] |= uint64_t{1} << index;
  __atomic_store_n(&timer.slot_, static_cast<uint16_t>(level * kSlots + index), __ATOMIC_RELAXED);
}

void Timers::unlink_locked(Timer& timer) {
  const uint16_t slot = timer.slot_;
  timer.wheel_link_.unlink();
  __atomic_store_n(&timer.slot_, Timer::kUnarmed, __ATOMIC_RELAXED);
  if (slot == kDue || !slot_at(slot).timers.is_empty()) return;
  occupied_[slot / kSlots] &= ~(uint64_t{1} << slot % kSlots);
}

void Timers::take_slot_locked(const Position& position, TimerList& timers) {
  timers.append(slots_[position.level][position.index].timers);
  occupied_[position.level] &= ~(uint64_t{1} << position.index);
}

bool Timers::find_first_locked(Position& first) const {
  for (size_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const size_t shift = level * kLevelBits;
    const size_t index = static_cast<size_t>(std::countr_zero(occupied_[level]));
    const uint64_t base = position_ >> (shift + kLevelBits) << (shift + kLevelBits);
    first = {.level = level, .index = index, .start = base | uint64_t{index} << shift};
    return true;
  }
  return false;
}

void Timers::lower_alarm_locked(Instant when) {
  if (expiring_ != 0 || when >= alarm_) return;
  alarm_ = when;
  hal_.set_alarm(stack_, when);
}

}  // namespace lxnet
