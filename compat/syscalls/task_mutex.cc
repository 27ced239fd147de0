// Waiting for a TaskMutex.
#include "compat/syscalls/task_mutex.hh"

#include "stack/stack.hh"

namespace lxnet {

void TaskMutex::lock(Entry& entry) NO_THREAD_SAFETY_ANALYSIS {
  uint32_t expected = kFree;
  if (__atomic_compare_exchange_n(&state_, &expected, uint32_t{kOwned}, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  lock_slowly(entry);
}

void TaskMutex::lock_slowly(Entry& entry) {
  const Hal& hal = mutex_.hal();
  Sleeper sleeper;
  {
    MutexLock lock(mutex_);
    // Whoever owns it now gives it back under mutex_.
    if (__atomic_exchange_n(&state_, uint32_t{kContended}, __ATOMIC_ACQUIRE) == kFree) return;
    sleeper.task = hal.current_task();
    sleepers_.push_back(sleeper);
  }
  entry.flush();
  while (!__atomic_load_n(&sleeper.is_granted, __ATOMIC_ACQUIRE)) hal.park(Instant::never(), Interruptible::No);
  entry.refresh_clock();
}

void TaskMutex::unlock() NO_THREAD_SAFETY_ANALYSIS {
  uint32_t expected = kOwned;
  if (__atomic_compare_exchange_n(&state_, &expected, uint32_t{kFree}, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) return;
  hand_on();
}

void TaskMutex::hand_on() {
  MutexLock lock(mutex_);
  Sleeper* next = sleepers_.take_front();
  if (next == nullptr) {
    __atomic_store_n(&state_, uint32_t{kFree}, __ATOMIC_RELEASE);
    return;
  }
  // Ownership passes on; the sleeper's memory is its own again once it sees the grant.
  lxnet_task* task = next->task;
  __atomic_store_n(&next->is_granted, true, __ATOMIC_RELEASE);
  mutex_.hal().unpark(task);
}

}  // namespace lxnet
