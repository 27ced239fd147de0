// The contended side of SocketLock.
//
// state_ leaves zero and kOwned only by compare-and-swap; kWork is set and cleared under mutex_, so a release that sees no kWork
// has nothing to do, and one that sees it settles everything under the mutex.
#include "stack/socket_lock.hh"

#include "hal/hal.hh"

namespace lxnet {
namespace {

constexpr size_t kMostBacklog = INT32_MAX;

}  // namespace

SocketLock::SocketLock(const SocketWork& work, Mutex& mutex) : is_shared_(mutex.hal().has_locks()), work_(work), mutex_(mutex) {}

SocketLock::~SocketLock() { ASSERT(state_ == 0); }

// True: the lock was free after all and is the caller's. False: its owner will look at what the caller put under the mutex.
bool SocketLock::own_or_mark_locked(Entry& entry) {
  for (;;) {
    const uint32_t state = load();
    if (state == 0) {
      if (!change(0, kOwned)) continue;
      entry.not_before(last_held_at_);
      return true;
    } else if (change(state, state | kWork)) {
      return false;
    }
  }
}

void SocketLock::acquire_slow(Entry& entry) {
  const Hal& hal = mutex_.hal();
  Sleeper sleeper;
  sleeper.task = hal.current_task();
  {
    MutexLock lock(mutex_);
    if (own_or_mark_locked(entry)) return;
    sleepers_.push_back(sleeper);
  }
  // What this task already queued may be what the owner is waiting for.
  entry.flush();
  for (;;) {
    hal.park(Instant::never(), Interruptible::No);
    MutexLock lock(mutex_);
    if (sleeper.is_granted) break;
  }
  entry.refresh_clock();
}

bool SocketLock::acquire_or_queue_slow(Entry& entry, Ref<Packet>& packet, size_t limit) {
  MutexLock lock(mutex_);
  if (own_or_mark_locked(entry)) return true;
  if (backlog_bytes_ > std::min(limit, kMostBacklog)) return false;
  __atomic_store_n(&backlog_bytes_, backlog_bytes_ + static_cast<uint32_t>(packet->true_size()), __ATOMIC_RELAXED);
  backlog_.push_back(*packet.leak());
  return false;
}

bool SocketLock::acquire_or_defer_slow(Entry& entry, uint32_t bits) {
  MutexLock lock(mutex_);
  if (own_or_mark_locked(entry)) return true;
  deferred_ |= bits;
  return false;
}

void SocketLock::release_slow(Entry& entry) {
  bool has_news = false;
  for (;;) {
    Ring<Packet, &Packet::queue_link> packets;
    uint32_t bits = 0;
    {
      MutexLock lock(mutex_);
      packets.append(backlog_);
      bits = std::exchange(deferred_, 0);
      if (packets.is_empty() && bits == 0 && !has_news) {
        // Not earlier: while packets come in faster than they are worked on, the limit must still bind.
        __atomic_store_n(&backlog_bytes_, 0u, __ATOMIC_RELAXED);
        hand_over_locked(entry);
        return;
      }
    }
    if (packets.is_empty() && bits == 0) {
      has_news = false;
      work_.done(entry, *this);
      continue;
    }
    while (!packets.is_empty()) work_.packet(entry, *this, Ref<Packet>::adopt(packets.take_front()));
    if (bits != 0) work_.deferred(entry, *this, bits);
    has_news = work_.done != nullptr;
  }
}

// The wake-up happens under the mutex: the sleeper, and with it the task, may be gone as soon as it sees is_granted.
void SocketLock::hand_over_locked(Entry& entry) {
  last_held_at_ = std::max(last_held_at_, entry.latest());
  Sleeper* next = sleepers_.take_front();
  const uint32_t state = next == nullptr ? 0 : sleepers_.is_empty() ? kOwned : kOwned | kWork;
  __atomic_store_n(&state_, state, __ATOMIC_RELEASE);
  if (next == nullptr) return;
  next->is_granted = true;
  mutex_.hal().unpark(next->task);
}

}  // namespace lxnet
