// OwnedTimer<T>: a timer that is part of a shared object. The wheel keeps the object alive while the callback runs.
//
// Rule kept: the object's destructor cancels the timer (rule 1 of hal/timer.hh).
#pragma once

#include "base/ref.hh"
#include "hal/timer.hh"

namespace lxnet {

template <typename T>
class OwnedTimer : public Timer {
 public:
  OwnedTimer(T& owner, Callback callback) : Timer(callback, &kOwner), owner_(owner) {}
  static T& owner_of(Timer& timer) { return static_cast<OwnedTimer&>(timer).owner_; }

 private:
  static bool hold(Timer& timer) { return owner_of(timer).ref_unless_zero(); }
  static void release(Timer& timer) { static_cast<void>(Ref<T>::adopt(&owner_of(timer))); }
  static constexpr TimerOwner kOwner{.hold = &hold, .release = &release};

  T& owner_;
};

}  // namespace lxnet
