#include "stack/link_tap.hh"

#include "stack/interface.hh"

namespace lxnet {

void LinkTaps::add(LinkTap& tap) {
  MutexLock lock(mutex_);
  taps_.push_back(tap);
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_RELAXED);
}

void LinkTaps::remove(LinkTap& tap) {
  MutexLock lock(mutex_);
  taps_.remove(tap);
  __atomic_store_n(&count_, count_ - 1, __ATOMIC_RELAXED);
}

void LinkTaps::show(Entry& entry, Interface& interface, const Packet& frame, TapDirection direction) {
  MutexLock lock(mutex_);
  for (LinkTap& tap : taps_) {
    if (tap.interface_index_ == 0 || tap.interface_index_ == interface.index()) {
      tap.callback_(tap, entry, interface, frame, direction);
    }
  }
}

}  // namespace lxnet
