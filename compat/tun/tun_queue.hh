// TunQueue: the frames that wait for whoever reads a tun file, and who waits for them. The file and its device share it, so that
// a frame and a waking need no lock of either.
#pragma once

#include "netdev/packet_pool.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

class TunQueue : public RefCounted<TunQueue> {
 public:
  explicit TunQueue(const Hal& hal) : hal_(hal), waiters_(hal_), mutex_(hal_, LockRank::ErrorQueue) {}
  static void destroy(TunQueue* queue) {
    const Hal hal = queue->hal_;
    dispose(hal, queue);
  }

  WaitQueue& waiters() { return waiters_; }
  // False when it holds `limit` already.
  bool push(Ref<Packet> frame, size_t limit) {
    {
      MutexLock lock(mutex_);
      if (frames_.count() >= limit) return false;
      frames_.push_back(std::move(frame));
    }
    waiters_.wake(kPollIn | kPollReadNormal);
    return true;
  }
  Ref<Packet> take() {
    MutexLock lock(mutex_);
    return frames_.take_front();
  }
  bool is_empty() const {
    MutexLock lock(mutex_);
    return frames_.is_empty();
  }
  // Of a pool that may go.
  void clear() {
    PacketQueue gone;
    MutexLock lock(mutex_);
    gone.append(frames_);
  }
  void open() { __atomic_store_n(&is_shut_, false, __ATOMIC_RELEASE); }
  // The interface is gone: whoever sleeps here hears of it.
  void shut() {
    clear();
    __atomic_store_n(&is_shut_, true, __ATOMIC_RELEASE);
    waiters_.wake_all(~PollEvents{0});
  }
  bool is_shut() const { return __atomic_load_n(&is_shut_, __ATOMIC_ACQUIRE); }

 private:
  const Hal hal_;
  WaitQueue waiters_;
  mutable Mutex mutex_;
  PacketQueue frames_ GUARDED_BY(mutex_);
  bool is_shut_ = false;
};

}  // namespace lxnet
