// ReceiveQueue: the datagrams that wait for a program. Filled from the packet path without the socket's lock.
//
// Rules kept, Linux's two. UDP's (__udp_enqueue_schedule_skb): a datagram is taken while the bytes held and its own charge stay
// within SO_RCVBUF, and always when nothing is held, so that a buffer too small for anything still takes one. The others'
// (sock_queue_rcv_skb): while the bytes held alone stay below it.
#pragma once

#include "hal/mutex.hh"
#include "stack/datagram/datagram_info.hh"

namespace lxnet {

enum class Admission : uint8_t { IfItFits, IfNotFull };

class ReceiveQueue {
 public:
  ReceiveQueue(const Hal& hal, Admission admission) : admission_(admission), mutex_(hal, LockRank::ErrorQueue) {}

  // below rank ErrorQueue. Takes the packet, whose DatagramInfo has its charge, or leaves it to the caller and counts a drop.
  // `held_beside`: bytes of the same socket in its error queue.
  bool push(Ref<Packet>& packet, size_t limit, size_t held_beside);
  // The oldest; empty when there is none.
  Ref<Packet> take();
  // The one that byte `offset` of all that waits lies in, which stays queued; `offset` becomes the place in it. A negative offset
  // (no SO_PEEK_OFF) is the first.
  Ref<Packet> peek(int64_t& offset);

  // Without the lock: hints.
  bool is_empty() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE) == 0; }
  size_t bytes() const { return __atomic_load_n(&bytes_, __ATOMIC_RELAXED); }
  uint32_t drops() const { return __atomic_load_n(&drops_, __ATOMIC_RELAXED); }
  void count_drop() { __atomic_fetch_add(&drops_, 1u, __ATOMIC_RELAXED); }
  // The size of the oldest datagram, or -1: FIONREAD.
  int64_t front_size();
  void clear();

 private:
  bool admits(size_t held, uint32_t charge, size_t limit) const {
    return admission_ == Admission::IfItFits ? held == 0 || held + charge <= limit : held < limit;
  }

  const Admission admission_;
  Mutex mutex_;
  PacketQueue packets_ GUARDED_BY(mutex_);
  size_t count_ = 0, bytes_ = 0;  // written under mutex_
  uint32_t drops_ = 0;
};

}  // namespace lxnet
