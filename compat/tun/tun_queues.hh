// TunQueues: the queues of the files of one device (IFF_MULTI_QUEUE; of any other device there is one at most), and which of them
// a frame waits in: the one whose file last wrote a packet of the same flow, else one chosen by the flow's hash.
#pragma once

#include "compat/tun/tun_queue.hh"

namespace lxnet {

class TunQueues {
 public:
  static constexpr size_t kMost = 256;

  // The device's own lock.
  explicit TunQueues(Mutex& mutex) : mutex_(mutex) {}

  size_t count() const;     // that take frames
  size_t disabled() const;  // that do not
  bool is_empty() const;    // not even a disabled one
  bool has_several() const;
  // EBUSY: there is one, and more must not be; E2BIG: as many as there may be.
  enum class Several : uint8_t { No, Yes };
  Result<> add(const Ref<TunQueue>& queue, Several several);
  void remove(TunQueue& queue);
  // Out of use, and again in use (TUNSETQUEUE).
  void set_enabled(TunQueue& queue, bool is_enabled);
  bool is_enabled(const TunQueue& queue) const;

  // Where the frame, whose network header lies `link_size` bytes into it, is to wait; null without queues.
  Ref<TunQueue> choose(const Packet& frame, size_t link_size) const;
  // The file of this queue wrote a packet of the frame's flow.
  void learn(const Packet& frame, size_t link_size, const TunQueue& queue);

  // Each of them, in no lock: for waking.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < kMost; ++i) {
      const Ref<TunQueue> queue = at(i);
      if (!queue) return;
      visit(*queue);
    }
  }
  // Their interface is gone: they are told, and forgotten.
  void shut_all();

 private:
  static constexpr size_t kFlows = 1024;

  Ref<TunQueue> at(size_t place) const;
  size_t place_of_locked(const TunQueue& queue) const REQUIRES(mutex_);
  void swap_locked(size_t a, size_t b) REQUIRES(mutex_);
  void forget_flows();

  Mutex& mutex_;
  // Those in use first.
  Ref<TunQueue> queues_[kMost] GUARDED_BY(mutex_);
  size_t enabled_ GUARDED_BY(mutex_) = 0, total_ GUARDED_BY(mutex_) = 0;
  uint64_t flows_[kFlows] = {};  // atomic: a flow's hash, and its queue's place and one
};

}  // namespace lxnet
