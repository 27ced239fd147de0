// Mutex: a short, ranked, annotated lock over the HAL's.
//
// Rule kept: locks are taken in rising rank (docs/locking.md draws the tree). A debug build checks it on every lock(): the HAL's
// lock_slot() holds the innermost lock of the running context, and each held Mutex points to the one taken before it.
// A host without locks is single-threaded by its own promise, and then every operation here is one test of a pointer.
#pragma once

#include "base/annotations.hh"
#include "base/assert.hh"
#include "hal/hal.hh"
#include "hal/lock_rank.hh"

namespace lxnet {

class CAPABILITY("mutex") Mutex {
 public:
#if defined(LXNET_DEBUG)
  Mutex(const Hal& hal, LockRank rank) : hal_(hal), rank_(rank) {}
#else
  Mutex(const Hal& hal, LockRank) : hal_(hal) {}
#endif
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ACQUIRE() {
#if defined(LXNET_DEBUG)
    check_rank();
#endif
    hal_.lock(lock_);
#if defined(LXNET_DEBUG)
    enter_chain();
#endif
  }
  void unlock() RELEASE() {
#if defined(LXNET_DEBUG)
    leave_chain();
#endif
    hal_.unlock(lock_);
  }

  const Hal& hal() const { return hal_; }
  // For a lock whose place in the tree is found at run time: an epoll set that comes to watch another. Not while it is held.
  void set_rank([[maybe_unused]] LockRank rank) {
#if defined(LXNET_DEBUG)
    rank_ = rank;
#endif
  }

 private:
  void check_rank() const;
  void enter_chain();
  void leave_chain();

  const Hal& hal_;
  lxnet_lock lock_{};
#if defined(LXNET_DEBUG)
  LockRank rank_;
  Mutex* outer_ = nullptr;  // the lock this context held before this one
#endif
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace lxnet
