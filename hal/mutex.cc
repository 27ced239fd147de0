// The rank check of debug builds.
#include "hal/mutex.hh"

namespace lxnet {

void Mutex::check_rank() const {
#if defined(LXNET_DEBUG)
  void** slot = hal_.lock_slot();
  if (slot == nullptr || *slot == nullptr) return;
  const Mutex* innermost = static_cast<const Mutex*>(*slot);
  // Equal ranks are refused too: two locks of one kind are taken together only where the tree gives the second its own rank.
  ASSERT(innermost->rank_ < rank_);
#endif
}

void Mutex::enter_chain() {
#if defined(LXNET_DEBUG)
  void** slot = hal_.lock_slot();
  if (slot == nullptr) return;
  outer_ = static_cast<Mutex*>(*slot);
  *slot = this;
#endif
}

void Mutex::leave_chain() {
#if defined(LXNET_DEBUG)
  void** slot = hal_.lock_slot();
  if (slot == nullptr) return;
  ASSERT(*slot == this);
  *slot = outer_;
#endif
}

}  // namespace lxnet
