// Waiting for a TaskMutex.
#include "compat/syscalls/task_mutex.hh"

#include "stack/stack.hh"

namespace lxnet {

void TaskMutex::lock(Entry& entry) NO_THREAD_SAFETY_ANALYSIS {
  const Hal& hal = mutex_.hal();
  Sleeper sleeper;
  {
    MutexLock lock(mutex_);
    if (!is_owned_) {
      is_owned_ = true;
      return;
    }
    sleeper.task = hal.current_task();
    sleepers_.push_back(sleeper);
  }
  entry.flush();
  while (!__atomic_load_n(&sleeper.is_granted, __ATOMIC_ACQUIRE)) hal.park(Instant::never(), Interruptible::No);
  entry.refresh_clock();
}

void TaskMutex::unlock() NO_THREAD_SAFETY_ANALYSIS {
  MutexLock lock(mutex_);
  Sleeper* next = sleepers_.take_front();
  if (next == nullptr) {
    is_owned_ = false;
    return;
  }
  // Ownership passes on; the sleeper's memory is its own again once it sees the grant.
  lxnet_task* task = next->task;
  __atomic_store_n(&next->is_granted, true, __ATOMIC_RELEASE);
  mutex_.hal().unpark(task);
}

}  // namespace lxnet
