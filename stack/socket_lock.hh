// SocketLock: a socket is owned by a task or by the packet path, one at a time.
//
// It is no Mutex: its owner may copy user memory and so sleep. Rules kept:
// - A task that finds it owned parks, uninterruptibly, and gets it in the order of asking.
// - The packet path never waits: a packet that finds the lock owned joins a bounded backlog, a timer leaves bits, and whoever
//   owns the lock carries both out before letting go.
// - Ownership is taken with no Mutex of rank Socket or above held, and never of two sockets by one task but listener before
//   child.
// - A socket's time goes forward: entries read the clock before they have the lock, so the lock says how late it is at least.
//
// Free and uncontended it costs one compare-and-swap each way, and not even that on a host without locks.
#pragma once

#include <algorithm>

#include "base/ring.hh"
#include "hal/mutex.hh"
#include "netdev/packet.hh"
#include "stack/entry.hh"

namespace lxnet {

class SocketLock;

// What the owner does, with the lock owned and no Mutex held, about what came in meanwhile. owner_of() knows the lock's socket.
struct SocketWork {
  void (*packet)(Entry& entry, SocketLock& lock, Ref<Packet> packet) = nullptr;
  void (*deferred)(Entry& entry, SocketLock& lock, uint32_t bits) = nullptr;
  // Nothing of it is left. Null: that is no news.
  void (*done)(Entry& entry, SocketLock& lock) = nullptr;
};

class CAPABILITY("socket lock") SocketLock {
 public:
  // The mutex is of rank Socket; several locks share it, as it is needed only where one is contended (SocketSet::lock_mutex()).
  SocketLock(const SocketWork& work, Mutex& mutex);
  SocketLock(const SocketLock&) = delete;
  SocketLock& operator=(const SocketLock&) = delete;
  ~SocketLock();

  // task. Parks while owned; the clock of the entry is then read again.
  void acquire(Entry& entry) ACQUIRE() {
    check_context();
    if (!change(0, kOwned)) return acquire_slow(entry);
    entry.not_before(last_held_at_);
  }
  // packet, timer.
  bool try_acquire(Entry& entry) TRY_ACQUIRE(true) {
    check_context();
    if (!change(0, kOwned)) return false;
    entry.not_before(last_held_at_);
    return true;
  }
  // packet. When it is owned, takes the packet into the backlog, unless more than `limit` bytes (true_size) wait there already:
  // then the packet is left to the caller.
  bool acquire_or_queue(Entry& entry, Ref<Packet>& packet, size_t limit) TRY_ACQUIRE(true) {
    return try_acquire(entry) || acquire_or_queue_slow(entry, packet, limit);
  }
  // timer, packet. When it is owned, leaves the bits to the owner.
  bool acquire_or_defer(Entry& entry, uint32_t bits) TRY_ACQUIRE(true) {
    return try_acquire(entry) || acquire_or_defer_slow(entry, bits);
  }
  // Carries out what waits, then lets go or hands over.
  void release(Entry& entry) RELEASE() {
    last_held_at_ = std::max(last_held_at_, entry.latest());
    if (!change(kOwned, 0)) release_slow(entry);
  }

  // For SocketWork's functions, which the analysis cannot see to be called by the owner.
  void assert_owned() const ASSERT_CAPABILITY(this) { DEBUG_ASSERT((load() & kOwned) != 0); }
  uint32_t backlog_bytes() const { return __atomic_load_n(&backlog_bytes_, __ATOMIC_RELAXED); }

 private:
  static constexpr uint32_t kOwned = 1;
  static constexpr uint32_t kWork = 2;  // backlog_, deferred_ or sleepers_ are not empty; only ever set while owned

  // On the stack of a task that waits.
  struct Sleeper {
    ListLink link;
    lxnet_task* task = nullptr;
    bool is_granted = false;
  };

  uint32_t load() const { return __atomic_load_n(&state_, __ATOMIC_RELAXED); }
  bool change(uint32_t from, uint32_t to) {
    if (!is_shared_) {
      if (state_ != from) return false;
      state_ = to;
      return true;
    }
    return __atomic_compare_exchange_n(&state_, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  }
  // A debug build asks for the mutex, whose rank must be allowed here even when nobody contends.
  void check_context() {
#if defined(LXNET_DEBUG)
    MutexLock lock(mutex_);
#endif
  }
  bool own_or_mark_locked(Entry& entry) REQUIRES(mutex_);
  void acquire_slow(Entry& entry);
  bool acquire_or_queue_slow(Entry& entry, Ref<Packet>& packet, size_t limit);
  bool acquire_or_defer_slow(Entry& entry, uint32_t bits);
  void release_slow(Entry& entry);
  void hand_over_locked(Entry& entry) REQUIRES(mutex_);

  uint32_t state_ = 0;
  const bool is_shared_;  // several processors may call in
  const SocketWork& work_;
  Instant last_held_at_;  // of the owner
  Mutex& mutex_;
  uint32_t deferred_ GUARDED_BY(mutex_) = 0;
  uint32_t backlog_bytes_ = 0;  // written under mutex_; of what waits and of what is being worked on
  Ring<Packet, &Packet::queue_link> backlog_ GUARDED_BY(mutex_);  // with a count of each
  Ring<Sleeper, &Sleeper::link> sleepers_ GUARDED_BY(mutex_);
};

// A task's ownership for a scope.
class SCOPED_CAPABILITY TaskOwnership {
 public:
  TaskOwnership(SocketLock& lock, Entry& entry) ACQUIRE(lock) : lock_(lock), entry_(entry) { lock_.acquire(entry); }
  ~TaskOwnership() RELEASE() { lock_.release(entry_); }
  TaskOwnership(const TaskOwnership&) = delete;
  TaskOwnership& operator=(const TaskOwnership&) = delete;

 private:
  SocketLock& lock_;
  Entry& entry_;
};

// The packet path's. The analysis takes it as owned: return at once when is_owned() says no; the packet is then in the backlog,
// or, when that was full, still the caller's to drop.
class SCOPED_CAPABILITY PacketOwnership {
 public:
  PacketOwnership(SocketLock& lock, Entry& entry, Ref<Packet>& packet, size_t limit) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
      : lock_(lock),
        entry_(entry),
        is_owned_(lock.acquire_or_queue(entry, packet, limit)) {}
  // For a timer or an ICMP error: the owner gets the bits.
  PacketOwnership(SocketLock& lock, Entry& entry, uint32_t bits) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
      : lock_(lock),
        entry_(entry),
        is_owned_(lock.acquire_or_defer(entry, bits)) {}
  // Neither: what finds the lock owned is given up.
  PacketOwnership(SocketLock& lock, Entry& entry) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS : lock_(lock),
                                                                                            entry_(entry),
                                                                                            is_owned_(lock.try_acquire(entry)) {}
  ~PacketOwnership() RELEASE() NO_THREAD_SAFETY_ANALYSIS {
    if (is_owned_) lock_.release(entry_);
  }
  PacketOwnership(const PacketOwnership&) = delete;
  PacketOwnership& operator=(const PacketOwnership&) = delete;

  bool is_owned() const { return is_owned_; }

 private:
  SocketLock& lock_;
  Entry& entry_;
  const bool is_owned_;
};

}  // namespace lxnet
