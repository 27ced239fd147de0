// Waking by key, shared waiters before exclusive ones.
#include "stack/wait_queue.hh"

namespace lxnet {

void WaitQueue::add(Waiter& waiter) {
  MutexLock lock(mutex_);
  if (waiter.mode_ == Waiter::Mode::Exclusive) {
    waiters_.push_back(waiter);
  } else {
    waiters_.push_front(waiter);
  }
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_SEQ_CST);
}

void WaitQueue::remove(Waiter& waiter) {
  MutexLock lock(mutex_);
  if (!waiter.link_.is_linked()) return;
  waiters_.remove(waiter);
  __atomic_store_n(&count_, count_ - 1, __ATOMIC_SEQ_CST);
}

void WaitQueue::wake_waiters(PollEvents events, unsigned exclusive_limit) {
  MutexLock lock(mutex_);
  const bool is_for_all = (events & kPollKeyless) != 0;
  Waiter* waiter = waiters_.front();
  while (waiter != nullptr) {
    // The callback may take its waiter off the list only through remove(), which waits for us: `next` stays valid.
    Waiter* next = waiters_.next(*waiter);
    if (is_for_all || (waiter->interest_ & events) != 0) {
      const bool took = waiter->callback_(*waiter, events);
      if (took && waiter->mode_ != Waiter::Mode::Shared && --exclusive_limit == 0) return;
    }
    waiter = next;
  }
}

}  // namespace lxnet
