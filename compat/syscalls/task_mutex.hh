// TaskMutex: a lock that tasks sleep for and may sleep under: user memory may be copied while it is held.
//
// For what only system calls touch (an epoll set's entries, a stream's reader side). Waiters get it in the order of asking, and a
// signal does not end the wait, as with Linux's mutex_lock().
#pragma once

#include "hal/mutex.hh"
#include "stack/entry.hh"

namespace lxnet {

class CAPABILITY("task mutex") TaskMutex {
 public:
  TaskMutex(const Hal& hal, LockRank rank) : mutex_(hal, rank) {}

  void lock(Entry& entry) ACQUIRE();
  void unlock() RELEASE();

 private:
  struct Sleeper {
    ListLink link;
    lxnet_task* task = nullptr;
    bool is_granted = false;
  };

  // Owned without sleepers it is taken and given back by one exchange; with sleepers it is handed on under mutex_.
  enum : uint32_t { kFree, kOwned, kContended };

  void lock_slowly(Entry& entry);
  void hand_on();

  uint32_t state_ = kFree;  // atomic
  Mutex mutex_;
  List<Sleeper, &Sleeper::link> sleepers_ GUARDED_BY(mutex_);
};

class SCOPED_CAPABILITY TaskMutexLock {
 public:
  TaskMutexLock(TaskMutex& mutex, Entry& entry) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(entry); }
  ~TaskMutexLock() RELEASE() { mutex_.unlock(); }
  TaskMutexLock(const TaskMutexLock&) = delete;
  TaskMutexLock& operator=(const TaskMutexLock&) = delete;

 private:
  TaskMutex& mutex_;
};

}  // namespace lxnet
